"""From runs to a posterior: sampling, its checks, its file, and later episodes."""
