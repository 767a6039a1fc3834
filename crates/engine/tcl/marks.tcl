# What constraints mark as not to be touched or not to be used, by commands that this engine does not have.

# Constraints that other tools read mark what they must leave alone. This engine knows no such commands; what
# they mark is taken down.
proc set_dont_touch {objects {value true}} { ::n2::mark_objects dont_touch $objects $value }
proc set_dont_use {cells {value true}} { ::n2::mark_objects dont_use $cells $value }

proc ::n2::mark_objects {command objects value} {
  variable marks
  if {![string is boolean -strict $value]} { error "$command: `$value` is neither true nor false" }
  foreach object $objects {
    foreach mark [marks_of $command $object] {
      if {$value} { set marks($mark) 1 } else { unset -nocomplain marks($mark) }
    }
  }
}

# What an argument of such a command marks, as `kind name` each: an object of the engine, or a name.
proc ::n2::marks_of {command object} {
  if {$command eq "dont_use"} {
    if {[::sta::is_object $object]} { return [list [list unusable [get_name $object]]] }
    return [list [list unusable [lindex [split $object /] end]]]
  }
  if {![::sta::is_object $object]} {
    set found [concat [get_cells -quiet $object] [get_nets -quiet $object]]
    if {$found eq ""} { puts "Warning: set_$command: the design has no cell or net `$object`." }
    set marks {}
    foreach one $found { lappend marks {*}[marks_of $command $one] }
    return $marks
  }
  switch -- [::sta::object_type $object] {
    Instance { return [list [list instance [get_full_name $object]]] }
    Net { return [list [list net [get_full_name $object]]] }
    LibertyCell - Cell { return [list [list cell [get_name $object]]] }
  }
  error "set_$command: `[get_full_name $object]` is neither a cell, nor a net, nor a cell of a library"
}
