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
    if {$speed < 0 || $own < 0 || ![may_use $twin]} { continue }
    if {$parameter(flavour) ne "auto"} {
      if {$speed == [speed_of $parameter(flavour)]} { return $twin }
    } elseif {$parameter(goal) eq "speed" ? $speed > $own : $speed < $own} {
      set own $speed
      set best $twin
    }
  }
  return $best
}

proc swap_flavour {inst} { resize $inst [wanted_twin [cell_of $inst]] }

# The instances of `insts` that can be exchanged; the others are counted.
proc with_wanted_twin {insts} {
  set found {}
  set without 0
  foreach inst $insts {
    set cell [cell_of $inst]
    if {[table twins $cell] eq ""} { incr without; continue }
    if {[wanted_twin $cell] ne "" && [may_edit $inst]} { lappend found $inst }
  }
  note cells_without_twin $without
  return $found
}

# Exchanges cells on the worst paths; returns how many.
proc swap_for_speed {} {
  variable parameter
  set insts {}
  foreach {inst weight} [instances_on [worst_paths setup $parameter(paths)]] { lappend insts $inst }
  set candidates {}
  foreach inst [with_wanted_twin $insts] { lappend candidates [list [list region_of $inst] [list swap_flavour $inst]] }
  set judge {}
  if {$parameter(verify)} { set judge [list is_faster [expr {$parameter(min_gain_ps) * 1e-12}]] }
  llength [try_each $candidates $parameter(max_cells) setup_state $judge]
}

# Exchanges cells that have slack to spare; returns how many.
proc swap_for_leakage {} {
  variable parameter
  set margin [expr {$parameter(margin_ps) * 1e-12}]
  set spare {}
  foreach inst [with_wanted_twin [leaf_instances]] {
    if {[worst_of setup_slack [output_pins $inst]] > $margin} { lappend spare $inst }
  }
  set judge {}
  if {$parameter(verify)} { set judge [list is_still_met $margin 0.0] }
  llength [try_in_groups $spare 16 $parameter(max_cells) region_of swap_flavour limits_state $judge]
}

proc vt_swap {} {
  variable parameter
  if {$parameter(goal) eq "speed"} { set swapped [swap_for_speed] } else { set swapped [swap_for_leakage] }
  note cells_exchanged $swapped
}
vt_swap
