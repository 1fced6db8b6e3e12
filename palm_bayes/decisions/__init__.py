"""Which strategy, how many labels, whether to stop: functions of a posterior."""
