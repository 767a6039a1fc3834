proc repair_limits {} {
  variable parameter
  set words {}
  foreach {value option neutral} {
    slew_margin_percent -slew_margin 0 cap_margin_percent -cap_margin 0
    max_wire_length_um -max_wire_length 0 max_utilization_percent -max_utilization 100
  } {
    if {$parameter($value) != $neutral} { lappend words {*}[option_of repair_design $option $parameter($value)] }
  }
  set before [count_instances]
  repair_design {*}$words
  note instances_more [expr {[count_instances] - $before}]
}
repair_limits
