proc clone_only {} {
  variable parameter
  # Other moves that a version makes beside those of the sequence.
  set words [known_options repair_timing {-skip_vt_swap {} -skip_crit_vt_swap {}}]
  if {$parameter(setup_margin_ps) != 0} {
    lappend words {*}[option_of repair_timing -setup_margin [in_tool_time $parameter(setup_margin_ps)]]
  }
  if {$parameter(repair_tns_percent) < 100} {
    lappend words {*}[option_of repair_timing -repair_tns $parameter(repair_tns_percent)]
  }
  set before [count_instances]
  repair_timing -setup -sequence clone -skip_last_gasp {*}$words
  note instances_more [expr {[count_instances] - $before}]
}
clone_only
