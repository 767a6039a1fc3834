proc place_for_routes {} {
  variable parameter
  set words [list -routability_driven -density $parameter(density)]
  if {$parameter(keep_places)} { lappend words -skip_initial_place }
  global_placement {*}$words
}
place_for_routes
