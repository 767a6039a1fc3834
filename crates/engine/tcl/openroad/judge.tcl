# What ECOs ask of a placed design between their edits, and cells that are exchanged one by one, each judged by the slacks
# around it under wires that were estimated anew.
#
# Objects are looked up by name each time: what the tool finds dies when it is edited. Nothing here catches an error of
# the tool, which has then dropped timing.

# A time in picoseconds as the tool's options take it.
proc ::n2::in_tool_time {picoseconds} {
  variable time_unit
  expr {double([format %.9g [expr {$picoseconds * 1e-12 / $time_unit}]])}
}

# The words of an option and its value. A version without it is an error: what was asked for would be left out unseen.
proc ::n2::option_of {command option args} {
  if {![has_option $command $option]} {
    error "$command of this version has no $option, which a parameter of the ECO asks for: leave the parameter at its default"
  }
  list $option {*}$args
}

# The flavour of threshold that a cell has among its twins; "" where there is but one.
proc ::n2::flavour_of {cell} {
  foreach {flavour twin} [table twins $cell] {
    foreach {own candidate} [table twins $twin] { if {$candidate eq $cell} { return $own } }
  }
  return ""
}

# Whether a cell passes on what it gets. The lists may be those that the platform prefers.
proc ::n2::is_buffer {cell} {
  foreach list {buffers clock_buffers delay_cells} {
    foreach known [set ::n2::$list] {
      if {$cell eq $known || ([table function $cell] ne "" && [table function $cell] eq [table function $known])} { return 1 }
    }
  }
  return 0
}

# Every instance and its cell in turn, by name.
proc ::n2::cells_by_name {} {
  set keyed {}
  foreach inst [[ord::get_db_block] getInsts] { lappend keyed [list [$inst getName] [[$inst getMaster] getName]] }
  concat {*}[lsort -index 0 $keyed]
}

proc ::n2::pins_of {name} { get_pins -quiet -of_objects [get_cells -quiet $name] }

# The names of the outputs of an instance.
proc ::n2::outputs_of {name} {
  set found {}
  foreach pin [pins_of $name] {
    if {[get_property $pin direction] eq "output"} { lappend found [get_full_name $pin] }
  }
  return $found
}

# The pins through which every path goes that an exchange of an instance can touch: its outputs, and what drives its
# inputs, whose load changes.
proc ::n2::pins_around {name} {
  set found [outputs_of $name]
  foreach pin [pins_of $name] {
    if {[get_property $pin direction] ne "input"} { continue }
    foreach other [get_pins -quiet -of_objects [get_nets -quiet -of_objects $pin]] {
      if {[get_property $other direction] eq "output"} { lappend found [get_full_name $other] }
    }
  }
  lsort -unique $found
}

# The worst slack through pins, in picoseconds, over all corners; "" where no check constrains them. `delay` is max for
# setup, min for hold.
proc ::n2::worst_slack_at {pins delay} {
  set worst ""
  foreach name $pins {
    set slack [in_picoseconds [get_property [get_pins -quiet $name] slack_$delay]]
    if {$slack ne "" && ($worst eq "" || $slack < $worst)} { set worst $slack }
  }
  return $worst
}

# Worst setup slack, sum of setup violations, worst hold slack, of the pins around an instance.
proc ::n2::slacks_around {name} {
  set pins [pins_around $name]
  set total 0.0
  foreach pin $pins {
    set slack [worst_slack_at [list $pin] max]
    if {$slack ne ""} { set total [expr {$total + min($slack, 0.0)}] }
  }
  list [worst_slack_at $pins max] $total [worst_slack_at $pins min]
}

# Slacks are told to a femtosecond: two of them are no difference.
proc ::n2::is_lower {slack other} { expr {$slack ne "" && $other ne "" && $slack < $other - 0.002} }

# Whether setup around an edit got better by so much: its worst slack did, or, with that not worse, the sum of what is
# violated.
proc ::n2::is_faster {min_gain before after} {
  lassign $before worst total
  lassign $after now_worst now_total
  if {$worst eq "" || $now_worst eq ""} { return 0 }
  set least_gain [expr {max($min_gain, 0.002)}]
  if {$now_worst - $worst >= $least_gain} { return 1 }
  expr {![is_lower $now_worst $worst] && $now_total - $total >= $least_gain}
}

# Whether setup keeps a margin, or what it had, and hold is not violated or is what it was.
proc ::n2::is_still_met {margin before after} {
  lassign $before setup total hold
  lassign $after now_setup now_total now_hold
  if {[is_lower $now_setup $margin] && [is_lower $now_setup $setup]} { return 0 }
  expr {![is_lower $now_hold 0.0] || ![is_lower $now_hold $hold]}
}

proc ::n2::estimate_around {name} {
  set nets {}
  foreach pin [pins_of $name] {
    if {[get_property $pin direction] ni {input output}} { continue }
    foreach net [get_nets -quiet -of_objects $pin] { lappend nets [get_full_name $net] }
  }
  estimate_again [lsort -unique $nets]
}

# Exchanges the cell of an instance; returns whether it stands. What does not do by the judge, which is told the slacks
# around it before and after, is exchanged back; without a judge it stands.
proc ::n2::exchange {name cell judge} {
  if {$judge eq ""} { return [resize $name $cell] }
  set from [get_property [get_cells $name] ref_name]
  set before [slacks_around $name]
  if {![resize $name $cell]} { return 0 }
  estimate_around $name
  if {[{*}$judge $before [slacks_around $name]]} { return 1 }
  replace_cell [get_cells $name] [library_cell $from]
  estimate_around $name
  return 0
}

# Exchanges cells, `wanted` being instances and their new cells in turn, until `most` stand; returns how many do.
proc ::n2::exchange_each {wanted most judge} {
  set kept 0
  foreach {name cell} $wanted {
    if {$kept >= $most} { break }
    incr kept [exchange $name $cell $judge]
  }
  return $kept
}
