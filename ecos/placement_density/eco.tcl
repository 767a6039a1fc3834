proc place_with_density {} {
  variable parameter
  global_placement -skip_initial_place -density $parameter(density)
}
place_with_density
