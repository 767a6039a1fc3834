# How fast and leaking a flavour is, from 0, by the names that libraries use; -1 for an unknown one.
proc speed_of {flavour} {
  set names {SRAM {HVT H} {RVT R SVT} {LVT L} {SLVT SL ULVT}}
  for {set rank 0} {$rank < [llength $names]} {incr rank} {
    if {[string toupper $flavour] in [lindex $names $rank]} { return $rank }
  }
  return -1
}

# The twin of a cell that is wanted, "" where it has none or is that already.
proc wanted_twin {cell} {
  variable parameter
  set own [speed_of [flavour_of $cell]]
  set best ""
  foreach {flavour twin} [table twins $cell] {
    set speed [speed_of $flavour]
    if {$speed < 0 || $own < 0 || ![may_replace $cell $twin]} { continue }
    if {$parameter(flavour) ne "auto"} {
      if {$speed == [speed_of $parameter(flavour)]} { return $twin }
    } elseif {$parameter(goal) eq "speed" ? $speed > $own : $speed < $own} {
      set own $speed
      set best $twin
    }
  }
  return $best
}

# Instances and the twins that they are to become; those without one are counted.
proc with_wanted_twin {cells} {
  set wanted {}
  set without 0
  foreach {name cell} $cells {
    if {[table twins $cell] eq ""} { incr without; continue }
    set twin [wanted_twin $cell]
    if {$twin ne "" && [may_edit $name $cell]} { lappend wanted $name $twin }
  }
  note cells_without_twin $without
  return $wanted
}

proc vt_swap {} {
  variable parameter
  if {$parameter(goal) eq "speed"} {
    set wanted [with_wanted_twin [instances_on_worst max $parameter(paths)]]
    set judge [list is_faster $parameter(min_gain_ps)]
  } else {
    set wanted {}
    foreach {name twin} [with_wanted_twin [cells_by_name]] {
      set slack [worst_slack_at [outputs_of $name] max]
      if {$slack eq "" || $slack > $parameter(margin_ps)} { lappend wanted $name $twin }
    }
    set judge [list is_still_met $parameter(margin_ps)]
  }
  if {!$parameter(verify)} { set judge {} }
  note cells_exchanged [exchange_each $wanted $parameter(max_cells) $judge]
}
vt_swap
