proc place_for_timing {} {
  variable parameter
  set words [list -timing_driven -density $parameter(density)]
  if {$parameter(keep_places)} { lappend words -skip_initial_place }
  set before [count_instances]
  global_placement {*}$words
  note instances_more [expr {[count_instances] - $before}]
}
place_for_timing
