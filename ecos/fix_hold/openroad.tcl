proc repair_hold_of_endpoints {} {
  variable parameter
  set words {}
  foreach {margin option} {hold_margin_ps -hold_margin setup_margin_ps -setup_margin} {
    if {$parameter($margin) != 0} {
      lappend words {*}[option_of repair_timing $option [in_tool_time $parameter($margin)]]
    }
  }
  set before [count_instances]
  repair_timing -hold {*}$words
  note cells_inserted [expr {[count_instances] - $before}]
}
repair_hold_of_endpoints
