# Nothing to do: the trial is the measurement.
