proc repair_limits_of_library {} {
  variable parameter
  set words {}
  foreach {share option} {slew_share -slew_margin capacitance_share -cap_margin} {
    if {$parameter($share) < 1} {
      lappend words {*}[option_of repair_design $option [expr {100.0 * (1.0 - $parameter($share))}]]
    }
  }
  set before [count_instances]
  repair_design {*}$words
  note instances_more [expr {[count_instances] - $before}]
}
repair_limits_of_library
