"""Figures of tables and arrays."""
