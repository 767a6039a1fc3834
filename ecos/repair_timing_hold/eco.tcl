proc repair_hold {} {
  variable parameter
  set words [list -hold]
  foreach {margin option} {hold_margin_ps -hold_margin setup_margin_ps -setup_margin} {
    if {$parameter($margin) != 0} {
      lappend words {*}[option_of repair_timing $option [in_tool_time $parameter($margin)]]
    }
  }
  if {$parameter(allow_setup_violations)} { lappend words {*}[option_of repair_timing -allow_setup_violations] }
  if {$parameter(max_buffer_percent) != 20} {
    lappend words {*}[option_of repair_timing -max_buffer_percent $parameter(max_buffer_percent)]
  }
  if {$parameter(max_utilization_percent) < 100} {
    lappend words {*}[option_of repair_timing -max_utilization $parameter(max_utilization_percent)]
  }
  set before [count_instances]
  repair_timing {*}$words
  note instances_more [expr {[count_instances] - $before}]
}
repair_hold
