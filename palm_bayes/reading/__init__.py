"""Reading of files, folders, databases, frames and dicts to `palm_bayes.data.runs.Runs`."""
