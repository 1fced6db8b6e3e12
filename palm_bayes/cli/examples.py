"""Ends of help texts: examples, files and exit statuses."""

CODES = """[bold]Exit status[/bold]

  0  converged
  2  bad input: nothing is written
  3  saved, but not converged"""
FIT = f"""[bold]Examples[/bold]

  palm-bayes fit runs.csv
  palm-bayes fit output/CIFAR10/resnet18 --strategy margin --strategy random
  palm-bayes fit runs.csv --episodes 12 --horizon 18 --out first12
  palm-bayes fit --base_path output/CIFAR10/resnet18 --method margin

Strategies fitted together are partially pooled past the data: fit all
strategies of one task together, and no others.

[bold]Files in the output folder[/bold]

  trace.nc        the fit, for palm-bayes show: data, draws, diagnostics
  summary.csv     median, interval and diagnostics of every parameter
  forecast.csv    quantiles by episode: expected curve and new repetition
  curves.png      data, curve and bands of every strategy
  comparison.png  all strategies in one panel, if there are several
  palm_params.json, palm_params.csv, y_avg.npy, y_fit.npy, palm_fit.png
                  as from PALM.py; in a folder each for several strategies

{CODES}"""
BACKTEST = """[bold]Examples[/bold]

  palm-bayes backtest runs.csv
  palm-bayes backtest runs.csv --train-fraction 0.25 --train-episodes 12
  palm-bayes backtest study.csv --dataset cifar10 --out cifar10

[bold]Files in the output folder[/bold]

  forecasts.csv  quantiles for every later episode, and observed accuracies
  scores.csv     CRPS, log score, error, coverage and width by cell (a
                 strategy of a task) and by third of the horizon, also of
                 least-squares baselines; or the reason why a cell failed
  baselines.csv  the baselines' point forecasts
  backtest.png   coverage, error by horizon, worst cells
  cells/         finished cells, from which an interrupted command resumes

Accuracies are fractions. A table may hold several tasks (columns source,
dataset, model). Each cell costs a fit, a second or two.

[bold]Exit status[/bold]

  0  all fits converged
  2  bad input: nothing is written
  3  written, but a fit did not converge or none could be made"""
EXAMPLE = """[bold]Example[/bold]

  palm-bayes example runs
  palm-bayes fit runs/runs.csv --episodes 12"""
