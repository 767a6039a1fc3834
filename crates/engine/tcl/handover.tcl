namespace eval ::n2_eco {
  # Makes the edits; the first that does not fit ends them.
  proc apply {edits} { if {[catch {uplevel #0 $edits} message]} { error "the ECO ended here: $message" } }
  # Names that OpenSTA may know an object by: dividers that are part of a name are escaped, from the last
  # part of the path on.
  proc spellings {name} {
    set parts [split $name /]
    set spellings {}
    for {set count [llength $parts]} {$count > 0} {incr count -1} {
      set path [lrange $parts 0 [expr {$count - 2}]]
      lappend spellings [join [concat $path [list [join [lrange $parts [expr {$count - 1}] end] {\/}]]] /]
    }
    return $spellings
  }
  proc instance {name} {
    foreach spelling [spellings $name] {
      set found [::sta::find_instance $spelling]
      if {$found ne "NULL"} { return $found }
    }
    error "there is no instance $name"
  }
  proc net {name} {
    foreach spelling [spellings $name] {
      set found [::sta::find_net $spelling]
      if {$found ne "NULL"} { return $found }
    }
    error "there is no net $name"
  }
  proc library_cell {name} {
    set cell [::sta::find_liberty_cell $name]
    if {$cell eq "NULL"} { error "no library has the cell $name" }
    return $cell
  }
  # The instance that holds an object of this name, and its name in there.
  proc place {name} {
    set parts [split $name /]
    for {set count [expr {[llength $parts] - 1}]} {$count > 0} {incr count -1} {
      if {![catch {instance [join [lrange $parts 0 [expr {$count - 1}]] /]} parent] && ![::sta::Instance_is_leaf $parent]} {
        return [list $parent [join [lrange $parts $count end] /]]
      }
    }
    return [list [::sta::top_instance] $name]
  }
  proc net_of {inst pin} {
    set found [::sta::Instance_find_pin $inst $pin]
    if {$found eq "NULL"} { return "NULL" }
    return [::sta::Pin_net $found]
  }
  proc check_cell {name inst cell} {
    set found [get_property $inst ref_name]
    if {$found ne $cell} { error "instance $name is $found, not $cell" }
  }
  proc new_net {name} {
    if {![catch {net $name}]} { error "net $name is there already" }
    foreach {parent local} [place $name] break
    if {[::sta::make_net_cmd $local $parent] in {"" 0 NULL}} { error "net $name was not made" }
  }
  proc insert {name cell} {
    if {![catch {instance $name}]} { error "instance $name is there already" }
    foreach {parent local} [place $name] break
    set inst [::sta::make_instance_cmd $local [library_cell $cell] $parent]
    if {$inst in {"" 0 NULL}} { error "instance $name was not made" }
  }
  proc resize {name from to} {
    set inst [instance $name]
    check_cell $name $inst $from
    if {[::sta::replace_cell $inst [library_cell $to]] != 1} { error "instance $name did not become $to" }
    check_cell $name $inst $to
  }
  proc disconnect {name pin net} {
    set inst [instance $name]
    if {[net_of $inst $pin] ne [net $net]} { error "pin $name/$pin is not on net $net" }
    ::sta::disconnect_pin_cmd [::sta::Instance_find_pin $inst $pin]
    if {[net_of $inst $pin] ne "NULL"} { error "pin $name/$pin did not leave net $net" }
  }
  proc connect {name pin net} {
    set inst [instance $name]
    if {[net_of $inst $pin] ne "NULL"} { error "pin $name/$pin is connected already" }
    set port [::sta::Cell_find_port [::sta::Instance_cell $inst] $pin]
    if {$port eq "NULL"} { error "instance $name has no pin $pin" }
    ::sta::connect_pin_cmd $inst $port [net $net]
    if {[net_of $inst $pin] ne [net $net]} { error "pin $name/$pin did not join net $net" }
  }
  proc remove {name cell} {
    set inst [instance $name]
    check_cell $name $inst $cell
    ::sta::delete_instance_cmd $inst
    if {![catch {instance $name}]} { error "instance $name did not go" }
  }
  proc remove_net {name} {
    ::sta::delete_net_cmd [net $name]
    if {![catch {net $name}]} { error "net $name did not go" }
  }
}
