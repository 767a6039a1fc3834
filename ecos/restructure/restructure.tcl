# Prepares a netlist and its libraries for `remap.tcl`, which runs inside yosys, and runs it.
#
# Arguments: netlist files and library files, each joined with `:`, output, top module, prefix of new
# names, script, delay target in ps, largest fanout.

proc fail {message} {
  puts stderr "restructure: $message"
  exit 1
}

proc read_text {path} {
  set channel [open $path r]
  fconfigure $channel -encoding utf-8
  set text [read $channel]
  close $channel
  return $text
}

proc write_text {path text} {
  set channel [open $path w]
  fconfigure $channel -encoding utf-8
  puts $channel $text
  close $channel
}

# The text without `/* */` comments, which may hold cells that are not meant.
proc without_comments {text} {
  set kept ""
  set from 0
  while {[set start [string first "/*" $text $from]] >= 0} {
    append kept [string range $text $from [expr {$start - 1}]]
    set end [string first "*/" $text $start]
    if {$end < 0} { return $kept }
    set from [expr {$end + 2}]
  }
  append kept [string range $text $from end]
}

# A library as `header name text name text …`, the text of a cell from its name to the next cell.
proc split_library {path} {
  set text [without_comments [read_text $path]]
  set cells [regexp -all -inline -indices {\ycell\s*\(\s*"?([^\s")]+)"?\s*\)} $text]
  if {$cells eq ""} { fail "library $path holds no cell" }
  # The last brace closes the library.
  set text_end [expr {[string last "\}" $text] - 1}]
  set parts [list [string range $text 0 [expr {[lindex $cells 0 0] - 1}]]]
  for {set index 0} {$index < [llength $cells]} {incr index 2} {
    lassign [lindex $cells $index] start
    set next [expr {$index + 2 < [llength $cells] ? [lindex $cells [expr {$index + 2}] 0] - 1 : $text_end}]
    lappend parts [string range $text {*}[lindex $cells [expr {$index + 1}]]] [string range $text $start $next]
  }
  return $parts
}

proc attribute {text name} {
  if {[regexp "\\y$name\\s*:\\s*\"?(\[^;\"\\n\]*)\"?\\s*;?" $text -> value]} { return [string trim $value] }
  return ""
}

# The pins of a cell as `name text name text …`, the text of a pin from its name to the next pin.
proc split_pins {text} {
  set pins [regexp -all -inline -indices {\ypin\s*\(\s*"?([^\s")]+)"?\s*\)} $text]
  set parts {}
  for {set index 0} {$index < [llength $pins]} {incr index 2} {
    set next [expr {$index + 2 < [llength $pins] ? [lindex $pins [expr {$index + 2}] 0] - 1 : "end"}]
    lappend parts [string range $text {*}[lindex $pins [expr {$index + 1}]]] \
      [string range $text [lindex $pins $index 0] $next]
  }
  return $parts
}

proc count {pattern text} { regexp -all $pattern $text }

# Whether a cell is part of power management. What it does depends on supplies that a netlist does not tell.
proc manages_power {text} {
  foreach mark {is_isolation_cell is_level_shifter always_on retention_cell switch_cell_type} {
    if {[attribute $text $mark] ni {"" false}} { return 1 }
  }
  return 0
}

# Whether a cell is plain logic: every output is a function of the inputs.
proc is_logic {text} {
  if {[manages_power $text]} { return 0 }
  if {[regexp {\y(ff|ff_bank|latch|latch_bank|statetable)\s*\(} $text]} { return 0 }
  if {[regexp {\y(clock_gating_integrated_cell|three_state)\s*:} $text]} { return 0 }
  set outputs [count {\ydirection\s*:\s*"?output} $text]
  expr {$outputs > 0 && [count {\ydirection\s*:\s*"?inout} $text] == 0 && [count {\yfunction\s*:} $text] == $outputs}
}

# Whether new instances of a cell are meant to be used: not withheld by the library.
proc is_usable {text} { expr {[attribute $text dont_use] ne "true"} }

# `wire` declarations for vectors whose bits a module uses without declaring them: timing engines
# write no declarations, and yosys would take each vector for one bit.
proc declare_vectors {netlist} {
  set declared ""
  set from 0
  set modules [regexp -all -inline -indices {\ymodule\y.*?\yendmodule\y} $netlist]
  foreach module $modules {
    lassign $module start end
    append declared [string range $netlist $from [expr {$start - 1}]]
    set body [string range $netlist $start $end]
    array unset low
    array unset high
    foreach {whole name bit} [regexp -all -inline {(\\\S+\s|[A-Za-z_][\w$]*)\s*\[(\d+)\]} $body] {
      set name [string trim $name]
      if {![info exists low($name)]} { set low($name) $bit; set high($name) $bit }
      if {$bit < $low($name)} { set low($name) $bit }
      if {$bit > $high($name)} { set high($name) $bit }
    }
    foreach {whole names} [regexp -all -inline {\[\s*\d+\s*:\s*\d+\s*\]([^;]*);} $body] {
      foreach name [regexp -all -inline {\\\S+|[A-Za-z_][\w$]*} $names] { unset -nocomplain low($name) }
    }
    set declarations ""
    foreach name [lsort [array names low]] { append declarations "\n  wire \[$high($name):$low($name)\] $name ;" }
    set head [string first ";" $body]
    append declared [string range $body 0 $head] $declarations [string range $body [expr {$head + 1}] end]
    set from [expr {$end + 1}]
  }
  append declared [string range $netlist $from end]
}

lassign $argv netlists libraries output top prefix script delay_ps max_fanout
set work [file join [file dirname [file normalize $output]] restructure_work]
file mkdir $work

set netlist ""
foreach path [split $netlists :] { append netlist [declare_vectors [without_comments [read_text $path]]] "\n" }
write_text $work/netlist.v $netlist
foreach word [regexp -all -inline {[^\s();,]+} $netlist] { set used($word) 1 }

# Only libraries that the design draws on are mapped to, so that a design of one threshold flavour
# stays so.
set header ""
set templates ""
set all_cells {}
foreach path [split $libraries :] {
  set parts [split_library $path]
  set draws 0
  foreach {name text} [lrange $parts 1 end] { if {[info exists used($name)]} { set draws 1 } }
  if {!$draws} { continue }
  set own_header [lindex $parts 0]
  if {$header eq ""} { set header $own_header }
  if {[attribute $own_header time_unit] ne [attribute $header time_unit]} {
    fail "library $path has another unit of time"
  }
  set table_template {\ylu_table_template\s*\(\s*"?([^\s")]+)"?\s*\)\s*\{[^\}]*\}}
  foreach {whole name} [regexp -all -inline $table_template $own_header] {
    set content [regsub -all {\s} $whole ""]
    if {[info exists template($name)]} {
      if {$template($name) ne $content} { fail "library $path defines the table template $name otherwise" }
    } else {
      set template($name) $content
      if {$own_header ne $header} { append templates "\n$whole" }
    }
  }
  foreach {name text} [lrange $parts 1 end] {
    if {![info exists seen($name)]} { set seen($name) 1; lappend all_cells $name $text }
  }
}
if {$all_cells eq ""} { fail "no library has a cell of the netlist" }

set logic ""
set others ""
set targets ""
set other_names {}
set clock_pins {}
set buffers {}
foreach {name text} $all_cells {
  set plain [is_logic $text]
  if {$plain && [is_usable $text]} {
    append targets "\n" $text
    set area [attribute $text area]
    if {![string is double -strict $area]} { set area 0 }
    array unset by_direction
    foreach {pin body} [split_pins $text] { lappend by_direction([attribute $body direction]) $pin $body }
    if {[llength $by_direction(output)] == 2} {
      lassign $by_direction(output) out body
      set function [string trim [attribute $body function] "() "]
      if {![info exists by_direction(input)]} {
        if {$function in {0 1} && ![info exists tie($function)]} { set tie($function) [list $name $out] }
      } elseif {[llength $by_direction(input)] == 2 && $function eq [lindex $by_direction(input) 0]} {
        lassign $by_direction(input) in body
        lappend buffers [list $area $name $in $out [attribute $body capacitance]]
      }
    }
  }
  if {![info exists used($name)]} { continue }
  if {$plain} {
    append logic "\n" $text
  } else {
    append others "\n" $text
    lappend other_names $name
    foreach {pin body} [split_pins $text] {
      foreach kind {clock clock_gate_clock_pin} {
        if {[attribute $body $kind] eq "true"} { lappend clock_pins $name $pin; break }
      }
    }
  }
}
foreach {file cells} [list logic.lib $logic others.lib $others targets.lib $targets] {
  write_text $work/$file "$header$templates$cells\n\}"
}

set ::env(N2_RESTRUCTURE) [list work $work output $output top $top prefix $prefix script $script \
  delay_ps $delay_ps max_fanout $max_fanout other_names $other_names clock_pins $clock_pins \
  buffer [lindex [lsort -real -index 0 [lsort -index 1 $buffers]] 0] tie [array get tie] \
  picofarads [regexp {capacitive_load_unit\s*\(\s*"?1(\.0+)?"?\s*,\s*"?pf} $header]]
set remap [file join [file dirname [file normalize [info script]]] remap.tcl]
if {[catch {exec yosys -q -c $remap >@stdout 2>@stderr}]} { fail "yosys did not map the netlist" }
file delete -force $work
