# STAND-IN for openroad, for tests alone, in sta: what scripts ask of a placed design, over a database of its own that is
# a text. Cells are put where there is room; nothing is optimised, no wire has a length.

puts "STAND-IN for OpenROAD: nothing is placed or routed, no wire has a length"

namespace eval stand_in {
  variable places; array set places {}
  variable sizes; array set sizes {}
  variable classes; array set classes {}
  variable adjustments; array set adjustments {}
  variable rows {}
  variable pins {}
  variable top ""
  variable units 2000
  variable die {0 0 200000 200000}
  variable row_height 2800
  variable site 380
  variable estimated 0
  variable routed 0
  variable shown 0
  variable routed_penalty 0
}
namespace eval ord {}
namespace eval rsz {}
namespace eval gui {}

proc stand_in::options {command text} { set ::sta::cmd_args($command) $text }
foreach {command text} {
  global_route {[-guide_file f] [-congestion_report_file f] [-allow_congestion] [-verbose]}
  check_placement {[-verbose]} detailed_placement {} repair_timing {[-setup] [-hold] [-repair_tns p] [-skip_last_gasp] [-skip_gate_cloning] [-verbose]}
  repair_design {[-verbose]} buffer_ports {[-inputs] [-outputs]} remove_buffers {} estimate_parasitics {[-placement] [-global_routing]}
} { stand_in::options $command $text }

# ---- libraries of shapes -----------------------------------------------------------------------

proc read_lef {file} {
  set channel [open $file r]
  set name ""
  set found 0
  while {[gets $channel line] >= 0} {
    set words [string trim [string map {; { ; }} $line]]
    switch -regexp -- $words {
      {^MACRO\s} { set name [lindex [split $words] 1]; set stand_in::classes($name) CORE; incr found }
      {^CLASS\s} { if {$name ne ""} { set stand_in::classes($name) [join [lrange [regexp -all -inline {[A-Z]+} $words] 1 end] _] } }
      {^SIZE\s} { if {$name ne ""} { set stand_in::sizes($name) [regexp -all -inline {[0-9.]+} $words] } }
      {^END\s} { if {$words eq "END $name"} { set name "" } }
    }
  }
  close $channel
  puts "\[INFO ODB-0227\] LEF file: $file, created 0 layers, $found library cells (STAND-IN)"
}

# ---- databases ---------------------------------------------------------------------------------

proc read_db {file} {
  set channel [open $file r]; set text [read $channel]; close $channel
  if {![string match "STAND-IN*" $text]} { error "database file is not an OpenDB Database" }
  if {[string first "\nverilog\n" $text] < 0 || ![string match "*endmodule*" $text]} { error "ORD-0054 the database is cut off" }
  set at [string first "\nverilog\n" $text]
  eval [string range $text [string first \n $text] $at]
  stand_in::link [string range $text [expr {$at + 9}] end]
}

rename link_design stand_in::own_link_design
proc link_design {top} {
  set stand_in::top $top
  stand_in::own_link_design $top
}

proc stand_in::link {verilog} {
  set channel [open stand-in.v w]; puts -nonewline $channel $verilog; close $channel
  read_verilog stand-in.v
  link_design $stand_in::top
  file delete stand-in.v
}

# A DEF file as this stand-in writes it, with its netlist beside it.
proc read_def {file} {
  set channel [open $file r]; set text [read $channel]; close $channel
  regexp {DESIGN (\S+) ;} $text all stand_in::top
  regexp {UNITS DISTANCE MICRONS (\d+) ;} $text all stand_in::units
  regexp {DIEAREA \( (\S+) (\S+) \) \( (\S+) (\S+) \)} $text all a b c d
  set stand_in::die [list $a $b $c $d]
  foreach {all name site x y orient count step} [regexp -all -inline {\nROW (\S+) (\S+) (\S+) (\S+) (\S+) DO (\d+) BY 1 STEP (\d+) 0 ;} $text] {
    lappend stand_in::rows [list $name $site $x $y $orient $count $step]
    set stand_in::site $step
  }
  if {[llength $stand_in::rows] > 1} { set stand_in::row_height [expr {[lindex $stand_in::rows 1 3] - [lindex $stand_in::rows 0 3]}] }
  foreach {all name master status x y orient} [regexp -all -inline {\n\s*- (\S+) (\S+) [^;]*?\+ (PLACED|FIXED) \( (\S+) (\S+) \) (\S+) ;} $text] {
    set stand_in::places($name) [list $x $y $orient $status]
  }
  set channel [open [file rootname $file].v r]; set verilog [read $channel]; close $channel
  stand_in::link $verilog
}

proc stand_in::insts {} {
  set names {}
  foreach inst [::sta::network_leaf_instances] { lappend names [::sta::instance_property $inst full_name] }
  lsort $names
}

proc write_db {file} {
  write_verilog stand-in.v
  set channel [open stand-in.v r]; set verilog [read $channel]; close $channel
  file delete stand-in.v
  set channel [open $file w]
  puts $channel "STAND-IN database: no OpenROAD wrote it"
  foreach name {top units die rows row_height site} { puts $channel [list set stand_in::$name [set stand_in::$name]] }
  foreach name [lsort [array names stand_in::places]] {
    if {[get_cells -quiet $name] ne ""} { puts $channel [list set stand_in::places($name) $stand_in::places($name)] }
  }
  foreach table {sizes classes adjustments} {
    foreach name [lsort [array names stand_in::$table]] { puts $channel [list set stand_in::${table}($name) [set stand_in::${table}($name)]] }
  }
  puts $channel verilog
  puts -nonewline $channel $verilog
  close $channel
}

proc stand_in::name_in_def {name} { string map {[ \\[ ] \\]} [string map {\\ {}} $name] }

proc write_def {file} {
  set channel [open $file w]
  puts $channel "VERSION 5.8 ;\nDIVIDERCHAR \"/\" ;\nBUSBITCHARS \"\[\]\" ;\nDESIGN $stand_in::top ;\nUNITS DISTANCE MICRONS $stand_in::units ;"
  puts $channel "HISTORY STAND-IN: no OpenROAD wrote this ;"
  lassign $stand_in::die a b c d
  puts $channel "DIEAREA ( $a $b ) ( $c $d ) ;"
  foreach row $stand_in::rows {
    lassign $row name site x y orient count step
    puts $channel "ROW $name $site $x $y $orient DO $count BY 1 STEP $step 0 ;"
  }
  set names [stand_in::insts]
  puts $channel "COMPONENTS [llength $names] ;"
  foreach name $names {
    set master [get_property [get_cells $name] ref_name]
    set line "    - [stand_in::name_in_def $name] $master"
    if {[info exists stand_in::places($name)]} {
      lassign $stand_in::places($name) x y orient status
      append line " + $status ( $x $y ) $orient"
    }
    puts $channel "$line ;"
  }
  puts $channel "END COMPONENTS"
  set ports {}
  foreach port [get_ports *] { lappend ports [get_name $port] [get_property $port direction] }
  puts $channel "PINS [expr {[llength $ports] / 2}] ;"
  set at 0
  foreach {name direction} $ports {
    incr at 400
    puts $channel "    - $name + NET $name + DIRECTION [string toupper $direction] + USE SIGNAL + PLACED ( $at 0 ) N ;"
  }
  puts $channel "END PINS"
  array set ends {}
  foreach {name direction} $ports { lappend ends($name) "( PIN $name )" }
  foreach name $names {
    foreach {pin net} [stand_in::connections $name] { lappend ends($net) "( [stand_in::name_in_def $name] $pin )" }
  }
  puts $channel "NETS [array size ends] ;"
  foreach net [lsort [array names ends]] {
    set shown [expr {[lsearch $ports $net] >= 0 ? $net : [stand_in::name_in_def $net]}]
    puts $channel "    - $shown [join $ends($net) { }] + USE SIGNAL ;"
  }
  puts $channel "END NETS\nEND DESIGN"
  close $channel
}

# Pin and net in turn, of an instance.
proc stand_in::connections {name} {
  set found {}
  foreach pin [::sta::instance_pins [::sta::find_instance $name]] {
    set net [::sta::Pin_net $pin]
    if {$net eq "NULL"} continue
    lappend found [::sta::Pin_port_name $pin] [string map {\\ {}} [::sta::net_property $net full_name]]
  }
  return $found
}

# ---- what scripts ask of a database ------------------------------------------------------------

proc ord::get_db_block {} { return stand_in_block }
proc ord::get_db_tech {} { return stand_in_tech }
proc stand_in_tech {method} {
  set layers {}
  foreach name [lsort [array names stand_in::adjustments]] { lappend layers [stand_in::object layer $name] }
  return $layers
}
proc stand_in::object {kind name} { interp alias {} stand_in.$kind.$name {} stand_in::$kind $name; return stand_in.$kind.$name }
proc stand_in_block {method {name ""}} {
  switch $method {
    getInsts { set found {}; foreach name [stand_in::insts] { lappend found [stand_in::object inst $name] }; return $found }
    getNets { return {} }
    findNet { return [stand_in::object net $name] }
    findInst { return [stand_in::object inst $name] }
    getDbUnitsPerMicron { return $stand_in::units }
  }
  error "STAND-IN: a block has no $method"
}
proc stand_in::layer {name method} {
  switch $method { getName { return $name } getLayerAdjustment { return $stand_in::adjustments($name) } }
}
proc stand_in::net {name method} { switch $method { getName { return $name } getSigType { return SIGNAL } } }
proc stand_in::inst {name method args} {
  switch $method {
    getName { return $name }
    getMaster { return [object master [get_property [get_cells $name] ref_name]] }
    getBBox { return [object box $name] }
    getOrient { return [expr {[info exists stand_in::places($name)] ? [lindex $stand_in::places($name) 2] : "R0"}] }
    getITerms {
      set found {}
      foreach {pin net} [connections $name] { lappend found [object iterm [list $pin $net]] }
      return $found
    }
    setDoNotTouch { set ::stand_in::held($name) [lindex $args 0]; return }
    isDoNotTouch { return [expr {[info exists ::stand_in::held($name)] && $::stand_in::held($name)}] }
  }
  error "STAND-IN: an instance has no $method"
}
proc stand_in::iterm {ends method} {
  switch $method { getNet { return [object net [lindex $ends 1]] } getMTerm { return [object mterm [lindex $ends 0]] } }
}
proc stand_in::mterm {name method} { return $name }
proc stand_in::box {name method} {
  if {![info exists stand_in::places($name)]} { return 0 }
  lindex $stand_in::places($name) [expr {$method eq "yMin"}]
}
proc stand_in::master {name method} {
  switch $method {
    getName { return $name }
    getWidth { return [expr {round([lindex $stand_in::sizes($name) 0] * $stand_in::units)}] }
    getHeight { return [expr {round([lindex $stand_in::sizes($name) 1] * $stand_in::units)}] }
    getType { return $stand_in::classes($name) }
  }
}

# ---- constraints, wires ------------------------------------------------------------------------

proc set_dont_touch {objects} {}
proc set_dont_use {cells} {}
proc set_thread_count {count} { ::sta::set_thread_count $count }
proc set_wire_rc {args} {}
proc set_layer_rc {args} {}
proc set_routing_layers {args} {}
proc set_placement_padding {args} {}
proc set_global_routing_layer_adjustment {layers share} {
  foreach layer [split $layers -] { set stand_in::adjustments($layer) $share }
}
proc estimate_parasitics {args} {
  if {"-global_routing" in $args && !$stand_in::routed} { stand_in::fail RSZ-0005 "Run global_route before estimating parasitics for global routing." }
  set stand_in::estimated 1
  # A test may have routes that cost what stronger cells gain.
  if {"-global_routing" in $args && $stand_in::routed_penalty > 0} {
    set strong 0
    foreach name [stand_in::insts] { if {![string match *X1 [get_property [get_cells $name] ref_name]]} { incr strong } }
    set_timing_derate -late [expr {1 + $stand_in::routed_penalty * $strong}]
  }
}
proc rsz::estimate_parasitic_net {net} {}
proc stand_in::fail {code text} { puts "\[ERROR $code\] $text"; error $code }

# ---- placement ---------------------------------------------------------------------------------

# Cells that have no place, or stand in another's, go to the next free sites of their row, or of the rows after it.
proc detailed_placement {args} {
  foreach row $stand_in::rows { set used([lindex $row 3]) [list] }
  set ys [lsort -integer [array names used]]
  set moved 0.0
  set names [stand_in::insts]
  set ordered {}
  foreach name $names {
    lassign [expr {[info exists stand_in::places($name)] ? $stand_in::places($name) : [list 0 [lindex $ys 0] R0 PLACED]}] x y
    lappend ordered [list $x $name]
  }
  foreach entry [lsort -integer -index 0 [lsort -index 1 $ordered]] {
    set name [lindex $entry 1]
    set width [stand_in::master [get_property [get_cells $name] ref_name] getWidth]
    if {[info exists stand_in::places($name)]} { lassign $stand_in::places($name) x y orient status } else {
      set x -1; set y [lindex $ys 0]; set orient R0; set status PLACED
    }
    if {$status eq "FIXED"} { continue }
    set placed 0
    set start [lsearch $ys $y]
    for {set step 0} {$step < [llength $ys] && !$placed} {incr step} {
      set row_y [lindex $ys [expr {($start + $step) % [llength $ys]}]]
      lassign [lsearch -inline -index 3 $stand_in::rows $row_y] row_name site row_x row_y2 row_orient count step_x
      set from [expr {[info exists next($row_y)] ? $next($row_y) : $row_x}]
      set at [expr {$x > $from ? $row_x + (($x - $row_x) / $step_x) * $step_x : $from}]
      if {$at < $from} { set at $from }
      if {$at + $width > $row_x + $count * $step_x} { continue }
      set next($row_y) [expr {$at + $width}]
      if {$x >= 0} { set moved [expr {$moved + (abs($at - $x) + abs($row_y - $y)) / double($stand_in::units)}] }
      set stand_in::places($name) [list $at $row_y [expr {$row_orient eq "N" ? "N" : "FS"}] PLACED]
      set placed 1
    }
    if {!$placed} { stand_in::fail DPL-0036 "Detailed placement failed." }
  }
  puts "Placement Analysis (STAND-IN)\n---------------------------------"
  puts [format "total displacement %16.1f u" $moved]
}
proc check_placement {args} {}

# A square core of rows that holds the cells at the utilisation that is asked for.
proc initialize_floorplan {args} {
  array set given $args
  set area 0.0
  foreach name [stand_in::insts] {
    set size $stand_in::sizes([get_property [get_cells $name] ref_name])
    set area [expr {$area + [lindex $size 0] * [lindex $size 1]}]
  }
  set stand_in::units 1000
  set height [lindex [lindex [array get stand_in::sizes] 1] 1]
  set side [expr {sqrt($area / $given(-utilization) * 100)}]
  set space [expr {round($given(-core_space) * 1000)}]
  set stand_in::row_height [expr {round($height * 1000)}]
  set rows [expr {int(ceil($side / $height)) + 1}]
  set sites [expr {int($side / 0.8) + 1}]
  set stand_in::rows {}
  for {set row 0} {$row < $rows} {incr row} {
    lappend stand_in::rows [list ROW_$row $given(-site) $space [expr {$space + $row * $stand_in::row_height}] [expr {$row % 2 ? "FS" : "N"}] $sites 800]
  }
  set stand_in::die [list 0 0 [expr {2 * $space + $sites * 800}] [expr {2 * $space + $rows * $stand_in::row_height}]]
}
proc make_tracks {args} {}
proc place_pins {args} {}
proc tapcell {args} {}
# All cells of a row side by side, in the order of their names.
proc global_placement {args} {
  set at 0
  foreach name [stand_in::insts] {
    set row [lindex $stand_in::rows [expr {$at % [llength $stand_in::rows]}]]
    set stand_in::places($name) [list [lindex $row 2] [lindex $row 3] [lindex $row 4] PLACED]
    incr at
  }
}

# ---- routing -----------------------------------------------------------------------------------

proc global_route {args} {
  set stand_in::routed 1
  puts "\[INFO GRT-0096\] Final congestion report:"
  puts "Layer         Resource        Demand        Usage (%)    Max H / Max V / Total Overflow"
  puts "---------------------------------------------------------------------------------------"
  puts "standin          10000           100            1.00%             0 /  0 /  0"
  puts "---------------------------------------------------------------------------------------"
  puts "Total            10000           100            1.00%             0 /  0 /  0\n"
  puts "\[INFO GRT-0018\] Total wirelength: [llength [stand_in::insts]] um"
  foreach {option value} {} {}
  set at [lsearch $args -guide_file]
  if {$at >= 0} { set channel [open [lindex $args [expr {$at + 1}]] w]; puts $channel "STAND-IN: no guides"; close $channel }
}
proc check_antennas {} { puts "\[INFO ANT-0002\] Found 0 net violations." }

proc gui::show {script interactive} { set stand_in::shown 1; uplevel #0 $script; set stand_in::shown 0 }
proc gui::dump_heatmap {kind file} {
  if {$kind ni {Placement Pin Power Routing RUDY}} { stand_in::fail GUI-0028 "$kind is not a known map. Valid options are: Placement, Pin, Power, Routing, RUDY" }
  if {!$stand_in::shown || ($kind eq "Routing" && !$stand_in::routed)} { stand_in::fail GUI-0072 "\"$kind\" is not populated with data." }
  lassign $stand_in::die a b c d
  set channel [open $file w]
  puts $channel "x0,y0,x1,y1,value"
  # One bin of the whole die, of no value that anybody could take for a measurement.
  puts $channel "0,0,[expr {$c / double($stand_in::units)}],[expr {$d / double($stand_in::units)}],0.000000e+00"
  close $channel
}

# ---- timing and edits --------------------------------------------------------------------------

proc stand_in::words {args} { string map {-group_path_count -group_count} $args }
rename find_timing_paths stand_in::own_find_timing_paths
proc find_timing_paths {args} { stand_in::own_find_timing_paths {*}[stand_in::words {*}$args] }
rename report_checks stand_in::own_report_checks
proc report_checks {args} { uplevel #0 [concat stand_in::own_report_checks [stand_in::words {*}$args]] }

# Reports go where they are told to go.
proc stand_in::report {arguments text} {
  if {[lindex $arguments end-1] eq ">"} {
    set channel [open [lindex $arguments end] w]
    puts $channel $text
    close $channel
  } else { puts $text }
}
proc report_power {args} {
  set at [lsearch $args -corner]
  set scene [expr {$at >= 0 ? [lindex $args $at+1] : [lindex $::n2::corners 0]}]
  lassign [::sta::design_power [::sta::find_corner $scene]] internal switching leakage total
  set text "Group                  Internal  Switching    Leakage      Total\n"
  append text "                          Power      Power      Power      Power (Watts)\n"
  append text "----------------------------------------------------------------\n"
  append text [format "Total                %.8e %.8e %.8e %.8e 100.0%%" $internal $switching $leakage $total]
  stand_in::report $args $text
}
proc report_check_types {args} { stand_in::report $args "" }
proc report_design_area {args} { stand_in::report $args "Design area 0 u^2 0% utilization. (STAND-IN)" }

# The tool's own repairs: the strongest of what the worst path has, one cell for each call.
proc repair_timing {args} {
  set end [lindex [find_timing_paths -path_delay max -group_path_count 1] 0]
  foreach point [get_property $end points] {
    set inst [get_cells -quiet -of_objects [get_property $point pin]]
    if {$inst eq ""} continue
    set cell [get_property $inst ref_name]
    if {![regexp {^(.*_X)1$} $cell all stem] || [get_lib_cells -quiet */${stem}2] eq ""} continue
    puts "\[INFO RSZ-0051\] Resized 1 instances. (STAND-IN)"
    replace_cell $inst [lindex [get_lib_cells */${stem}2] 0]
    return
  }
  puts "\[INFO RSZ-0098\] No setup violations found (STAND-IN)"
}

source [file join $::env(STAND_IN_HERE) repairs.tcl]

# ---- the script itself -------------------------------------------------------------------------

if {[catch { source $::env(STAND_IN_SCRIPT) } message]} {
  puts "Error: [file tail $::env(STAND_IN_SCRIPT)], 1 $message"
  set channel [open stand-in.status w]; puts $channel 1; close $channel
}
