"""Forecasts scored by what came later, and what past curves teach."""
