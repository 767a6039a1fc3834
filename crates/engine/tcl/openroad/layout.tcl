# What a placed design needs beyond a netlist: reading it, wires, legal places, routes, and writing it.
#
# Owns: the databases before and after an ECO, whose difference says which nets are estimated anew. What an ECO says of
# itself counts for nothing there.
#
# Only commands that users of the tool have are used, and what its Tcl offers of its database. What a version does not
# offer is an error where a result depends on it, and left out where none does.

namespace eval ::n2 {
  # What of a command's options this version has, as `command option`.
  variable options
  array set options {}
  variable wires placement
  variable route_arguments {}
  variable allowed_layers {}
  # Before the ECO.
  variable cells_before
  array set cells_before {}
  variable ends_before
  array set ends_before {}
  variable touched_nets {}
  variable routed 0
  # It times with one thread unless it is told otherwise.
  variable has_one_thread 1
}

# Constraints that mark what must be left alone are commands of this tool: it keeps to them, and they are taken down.
proc ::n2::take_down_marks {} {
  foreach {name kind} {set_dont_touch dont_touch set_dont_use dont_use} {
    if {[info commands ::n2::own_$name] ne "" || [info commands ::$name] eq ""} { continue }
    rename ::$name ::n2::own_$name
    proc ::$name {args} [string map [list KIND $kind NAME $name] {
      ::n2::take_down_mark KIND [lindex $args end]
      ::n2::own_NAME {*}$args
    }]
  }
}

proc ::n2::take_down_mark {kind objects} {
  foreach object $objects {
    set name $object
    catch { set name [get_full_name $object] }
    if {$kind eq "dont_use"} {
      emit mark unusable [lindex [split $name /] end]
    } elseif {[catch { get_property $object ref_name }]} {
      emit mark net $name
    } else {
      emit mark instance $name
    }
  }
}

# ---- reading -----------------------------------------------------------------------------------

proc ::n2::one_thread {} {
  if {[info commands ::set_thread_count] ne ""} { set_thread_count 1 }
}

proc ::n2::read_layers {files} {
  step layers { foreach file $files { read_lef $file } }
}

# A database holds its technology. One that was written by another version is refused by the tool itself.
proc ::n2::read_database {file} {
  step database { read_db $file }
  refuse_unlinked
}

proc ::n2::read_placed {file} {
  step database { read_def $file }
  refuse_unlinked
}

proc ::n2::refuse_unlinked {} {
  step link {
    set block [ord::get_db_block]
    if {$block eq "" || $block eq "NULL"} { error "there is no design in it" }
  }
}

# The scene decides whether clock trees are timed.
proc ::n2::read_scene {files clocks} {
  step constraints { foreach file $files { read_sdc $file } }
  step clocks {
    foreach clock [all_clocks] {
      set virtual [clock_is virtual $clock]
      if {$clocks eq "propagated"} {
        if {!$virtual} { set_propagated_clock $clock }
      } elseif {[clock_is propagated $clock]} {
        emit clock_taken_as_ideal [get_name $clock]
        unset_propagated_clock $clock
      }
    }
  }
}

# What was no property of a clock in earlier versions was a function of it.
proc ::n2::clock_is {what clock} {
  if {[catch { get_property $clock is_$what } answer]} { set answer [::sta::Clock_is_$what $clock] }
  return $answer
}

# ---- wires -------------------------------------------------------------------------------------

# `layers` is `signal layer clock layer`, of which each layer may be empty; `file` states what the LEF does not.
proc ::n2::set_wires {file layers unusable} {
  step wires {
    if {$file ne ""} { uplevel #0 [list source $file] }
    foreach {kind layer} $layers {
      if {$layer ne ""} { set_wire_rc -$kind -layer $layer }
    }
    if {$unusable ne {}} { leave_unused $unusable }
  }
}

# The cells of these patterns that libraries have.
proc ::n2::leave_unused {patterns} {
  foreach pattern $patterns {
    set cells [get_lib_cells -quiet */$pattern]
    if {$cells ne ""} { set_dont_use $cells }
  }
}

# Adjustments stay in the database, so that they are made once, in the base case.
proc ::n2::set_routing {signal clock adjustments} {
  step routing_layers {
    foreach {layers share} $adjustments { set_global_routing_layer_adjustment $layers $share }
    set_routing_layers -signal $signal -clock $clock
  }
}

# All wires anew.
proc ::n2::estimate_all {} {
  step estimate { write_names estimated-nets.txt {*}[estimate_whole] }
}

# The wires of these nets alone; all where the wires are those of routes, or where one cannot be found by its name.
proc ::n2::estimate_nets {names} {
  step estimate { write_names estimated-nets.txt {*}[estimate_again $names] }
}

# Estimates all wires; `*`.
proc ::n2::estimate_whole {} {
  variable wires
  if {$wires eq "global_route"} {
    find_routes
    estimate_parasitics -global_routing
  } else {
    estimate_parasitics -placement
  }
  return *
}

# Estimates the wires of these nets, or all; the names of those that it did, or `*`.
proc ::n2::estimate_again {names} {
  variable wires
  set estimate ""
  foreach command {::est::estimate_parasitic_net ::rsz::estimate_parasitic_net} {
    if {[info commands $command] ne ""} { set estimate $command; break }
  }
  if {$wires ne "placement" || $estimate eq ""} { return [estimate_whole] }
  set nets {}
  foreach name $names {
    set net [get_nets -quiet $name]
    if {[llength $net] != 1} { return [estimate_whole] }
    lappend nets $net
  }
  foreach net $nets { $estimate $net }
  return $names
}

proc ::n2::write_names {path args} {
  set channel [open $path w]
  fconfigure $channel -encoding utf-8 -translation lf
  foreach name $args { puts $channel $name }
  close $channel
}

# ---- what an ECO did to the database -----------------------------------------------------------

# A design as its DEF has it: writing one takes the tool less than being asked for each cell. `cells` is name to all that
# stands of it (its cell, place and orientation), `ends` name of a net to its ends.
proc ::n2::read_design_of {file cells ends} {
  upvar 1 $cells cell_of $ends ends_of
  array unset cell_of
  array unset ends_of
  set channel [open $file r]
  fconfigure $channel -encoding utf-8
  set section ""
  set statement ""
  while {[gets $channel line] >= 0} {
    if {$section eq ""} {
      if {[string match "COMPONENTS *" $line]} { set section cells }
      if {[string match "NETS *" $line]} { set section ends }
      continue
    }
    if {[string match "END *" $line]} { set section ""; set statement ""; continue }
    append statement " " [string trim $line]
    if {![string match "*;" $line]} { continue }
    # Names may hold backslashes, so that no statement is a list.
    set words [split [string trim $statement]]
    set name [lindex $words 1]
    if {$section eq "cells"} {
      set cell_of($name) [join [lrange $words 2 end]]
    } else {
      set plus [lsearch -exact $words +]
      set ends_of($name) [lrange $words 2 [expr {$plus < 0 ? "end-1" : $plus - 1}]]
    }
    set statement ""
  }
  close $channel
}

proc ::n2::take_down_design {} {
  step take_down {
    write_def before.def
    read_design_of before.def ::n2::cells_before ::n2::ends_before
    file delete before.def
  }
}

# The signal nets that have other ends than when the design was taken down, or an end at a cell that is new, of another
# kind or elsewhere.
proc ::n2::nets_of_changes {} {
  variable cells_before; variable ends_before
  write_def after.def
  read_design_of after.def cells_after ends_after
  file delete after.def
  array set changed {}
  foreach name [array names cells_after] {
    if {![info exists cells_before($name)] || $cells_before($name) ne $cells_after($name)} { set changed($name) 1 }
  }
  set names {}
  foreach net [array names ends_after] {
    set ends $ends_after($net)
    set touched [expr {![info exists ends_before($net)] || $ends_before($net) ne $ends}]
    if {!$touched && [array size changed] > 0} {
      foreach {open cell pin close} $ends {
        if {[info exists changed($cell)]} { set touched 1; break }
      }
    }
    if {$touched} { lappend names $net }
  }
  lsort $names
}

# Routes that were found before the change are not those of what came of it.
proc ::n2::estimate_changes {} {
  variable touched_nets; variable routed
  step compare { set touched_nets [nets_of_changes] }
  set routed 0
  estimate_nets $touched_nets
}

# ---- ECO, legal places, checks -----------------------------------------------------------------

# Runs the Tcl of an ECO as the body of a procedure in this namespace, so that its variables are its own.
proc ::n2::apply_placed_eco {path} {
  step eco {
    read_units
    set channel [open $path r]
    fconfigure $channel -encoding utf-8
    set body [read $channel]
    close $channel
    namespace eval ::n2 [list proc eco_body {} $body]
    eco_body
  }
}

# Padding is in sites on each side.
proc ::n2::legalise {padding} {
  step legalise {
    if {$padding > 0} { set_placement_padding -global -left $padding -right $padding }
    detailed_placement
  }
  check_places
}

proc ::n2::check_places {} {
  step check_placement { check_placement {*}[known_options check_placement {-verbose {}}] }
}

proc ::n2::has_option {command option} { info exists ::n2::options($command,$option) }

# The options of `pairs` that this version has, each with its value where it has one.
proc ::n2::known_options {command pairs} {
  set words {}
  foreach {option value} $pairs {
    if {![has_option $command $option]} { continue }
    lappend words $option
    if {$value ne ""} { lappend words $value }
  }
  return $words
}

# What of the database bears on routes and stands in no netlist or DEF.
proc ::n2::tell_routing_state {} {
  set layers {}
  catch { set layers [[ord::get_db_tech] getLayers] }
  foreach layer $layers {
    if {[catch { set share [$layer getLayerAdjustment] }]} { return }
    if {$share != 0} { emit layer_adjustment [$layer getName] $share }
  }
}

# ---- routes ------------------------------------------------------------------------------------

# Global routing, whose congestion is measured rather than refused.
proc ::n2::find_routes {} {
  variable routed
  if {$routed} { return }
  set words [known_options global_route {
    -guide_file route.guide -congestion_report_file congestion.rpt -allow_congestion {} -verbose {}
  }]
  global_route {*}$words
  set routed 1
}

proc ::n2::route {} { step route { find_routes } }

proc ::n2::check_antennas_of_routes {} {
  step antennas {
    if {[info commands ::check_antennas] eq ""} { emit unread antennas "this version has no check_antennas"; return }
    check_antennas
  }
}

# Detailed routing, which prints after each iteration how many design rules are broken.
proc ::n2::route_in_detail {} {
  step detailed_route { detailed_route {*}[known_options detailed_route {-output_drc drc.rpt}] }
}

# Heat maps of these kinds, as files; what cannot be had is told. The tool fills them only while its window's objects
# are there, which a script that its window runs sees.
proc ::n2::dump_heatmaps {kinds} {
  step heatmaps {
    if {[info commands ::gui::dump_heatmap] eq "" || [info commands ::gui::show] eq ""} {
      foreach kind $kinds { emit no_heatmap $kind "this version has no graphical interface" }
      return
    }
    set channel [open heatmaps.tcl w]
    foreach kind $kinds {
      set file heatmap-[string tolower $kind].csv
      puts $channel "if {\[catch {gui::dump_heatmap $kind $file} message\]} {::n2::emit no_heatmap $kind \$message} else {::n2::emit heatmap $kind $file}"
    }
    close $channel
    if {[catch { gui::show "source heatmaps.tcl" false } message]} {
      foreach kind $kinds { emit no_heatmap $kind $message }
    }
  }
}

# ---- writing -----------------------------------------------------------------------------------

proc ::n2::write_placed {netlist def database} {
  write_design $netlist
  step write {
    write_def $def
    write_db $database
    set channel [open $def r]
    set size [file size $def]
    if {$size > 32} { seek $channel -32 end }
    set tail [read $channel 32]
    close $channel
    if {![string match "*END DESIGN*" $tail]} { error "$def was not written to its end" }
    if {[file size $database] == 0} { error "$database was not written" }
  }
}
