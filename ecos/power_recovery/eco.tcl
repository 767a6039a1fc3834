proc recover_power {} {
  variable parameter
  repair_timing -recover_power $parameter(path_percent)
}
recover_power
