proc place_apart {} {
  variable parameter
  set_placement_padding -global -left $parameter(padding_sites) -right $parameter(padding_sites)
  ::detailed_placement
}
place_apart
