# The cells that may be put before an endpoint, by what is asked for.
proc delaying_cells {neighbour} {
  variable parameter
  variable buffers
  variable delay_cells
  set cells {}
  if {$parameter(cells) ne "buffers"} { lappend cells {*}[usable_beside $delay_cells $neighbour] }
  # Only the weak half: stronger buffers are faster, and larger.
  set usable [usable_beside $buffers $neighbour]
  if {$parameter(cells) ne "delay_cells"} { lappend cells {*}[lrange $usable 0 [expr {([llength $usable] - 1) / 2}]] }
  return $cells
}

# The gain in hold slack of each cell, tried before one endpoint: `gain area cell`, least gain first.
proc rank_cells {pin} {
  set before [hold_slack $pin]
  set ranked {}
  foreach cell [delaying_cells [cell_of [::sta::Pin_instance $pin]]] {
    start_edits
    if {[insert_buffer [net_of $pin] [list $pin] $cell] ne ""} {
      lappend ranked [list [expr {[hold_slack $pin] - $before}] [table area $cell 0.0] $cell]
    }
    undo_edits
  }
  lsort -real -index 0 [lsort -real -index 1 [lsort -index 2 $ranked]]
}

# Puts the cell with the least sufficient gain before an endpoint, or the greatest gain that setup
# allows. Returns whether it did.
proc delay_endpoint {pin needed ranked} {
  variable parameter
  set setup_margin [expr {$parameter(setup_margin_ps) * 1e-12}]
  set order {}
  foreach choice $ranked {
    if {[lindex $choice 0] >= $needed} { lappend order [lindex $choice 2] }
  }
  foreach choice [lreverse $ranked] {
    if {[lindex $choice 0] < $needed} { lappend order [lindex $choice 2] }
  }
  set hold [hold_slack $pin]
  foreach cell $order {
    start_edits
    if {[insert_buffer [net_of $pin] [list $pin] $cell] ne ""
        && [hold_slack $pin] > $hold && [setup_slack $pin] >= $setup_margin} {
      keep_edits
      return 1
    }
    undo_edits
  }
  return 0
}

proc fix_hold {} {
  variable parameter
  set margin [expr {$parameter(hold_margin_ps) * 1e-12}]
  set endpoints {}
  foreach path [worst_paths hold $parameter(max_endpoints) $margin] {
    set pin [lindex [lindex $path 2] end-1]
    if {[lindex $path 0] >= $margin || $pin in $endpoints} { continue }
    lappend endpoints $pin
  }
  set inserted 0
  set left 0
  array set ranked {}
  foreach pin $endpoints {
    for {set made 0} {$made < $parameter(max_per_endpoint)} {incr made} {
      set needed [expr {$margin - [hold_slack $pin]}]
      if {$needed <= 0} { break }
      set kind [expr {[::sta::Pin_is_top_level_port $pin] ? "port" : [library_pin $pin]}]
      if {![info exists ranked($kind)]} { set ranked($kind) [rank_cells $pin] }
      if {![delay_endpoint $pin $needed $ranked($kind)]} { break }
      incr inserted
    }
    if {[hold_slack $pin] < $margin} { incr left }
  }
  note endpoints_found [llength $endpoints]
  note endpoints_left $left
  note cells_inserted $inserted
}
fix_hold
