proc pin_swap {} {
  variable parameter
  set candidates {}
  foreach path [worst_paths setup $parameter(paths)] {
    foreach {pin arrival} [lindex $path 2] {
      if {[::sta::Pin_is_top_level_port $pin] || ![::sta::Pin_is_load $pin]} { continue }
      set inst [::sta::Pin_instance $pin]
      set late [::sta::Pin_port_name $pin]
      foreach group [table pin_groups [cell_of $inst]] {
        if {$late ni $group} { continue }
        foreach other [lsort $group] {
          if {$other eq $late} { continue }
          set candidate [list [list region_of $inst] [list swap_pins $inst $late $other]]
          if {![info exists seen($candidate)]} { set seen($candidate) 1; lappend candidates $candidate }
        }
      }
    }
  }
  set judge [list is_faster [expr {$parameter(min_gain_ps) * 1e-12}]]
  note exchanges_tried [llength $candidates]
  note exchanges_made [llength [try_each $candidates $parameter(max_cells) setup_state $judge]]
}
pin_swap
