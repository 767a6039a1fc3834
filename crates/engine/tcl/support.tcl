# What every script of this engine begins with: reading a design, applying an ECO, and telling what
# came of it.
#
# Owns: the result file. It begins with a version line, holds one record a line with its fields
# separated by tabs, and ends with a line that counts the records, so that a file that was cut off
# is noticed. What the engine prints is never read as a result.
#
# The engine goes on after most errors, ignores `exit` in a script, and exits with 0 whatever happened.
# So a script is one command, `main`; every step in it checks what it was told, and the first that
# fails ends `main`, which writes why. `exit` in what a user wrote is such a failure.

# Lines of the log appear in the order in which they were written.
fconfigure stdout -buffering line

# Whoever asks for the end in the middle of a trial does not want the rest of it measured.
proc exit {{status 0}} { error "the script asked to exit with $status" }

namespace eval ::n2 {
  variable result_channel ""
  variable result_records 0
  variable current_step "start"
  # What was emitted before there was a result file: by a process that this one is a fork of.
  variable inherited {}
  variable step_suffix ""
  variable group_names {}
  variable eco_folder "eco"

  # What the ECO notes about itself.
  variable notes
  array set notes {}

  # What the trial's script sets before the ECO runs.
  variable parameter
  array set parameter {}
  variable prefix ""
  variable seed 0
  variable corners {}
  variable setup_corners {}
  variable hold_corners {}
  variable dont_use {}
  variable protected_instances {}
  variable protected_nets {}
  variable protected_cells {}
  variable time_unit ""

  # What the constraints mark: `kind name` of what is not to be touched, or not to be used.
  variable marks
  array set marks {}

  # What the trial's script says may not be touched, beside the patterns above: instances with all that is
  # in them, nets and cells by name, and the pins of scan chains.
  variable marked_instances
  array set marked_instances {}
  variable marked_nets
  array set marked_nets {}
  variable marked_cells
  array set marked_cells {}
  variable scan_pins
  array set scan_pins {}
}

# ---- results -----------------------------------------------------------------------------------

# A field of the result file: neither a tab nor a line end is left in it.
proc ::n2::escape {text} { string map [list \\ \\\\ \t \\t \n \\n \r \\r \0 \\0] $text }

# A number with all its digits; the engine's infinities and what is no number come out as "".
proc ::n2::exact {number} {
  if {![string is double -strict $number] || $number != $number || abs($number) > 1e20} { return "" }
  format %.17g $number
}

proc ::n2::emit {args} {
  variable result_channel; variable result_records; variable inherited
  set record [join $args "\t"]
  # Records of endpoints are long: where no field holds a tab, all are escaped at once.
  if {[llength [split $record "\t"]] == [llength $args]} {
    set record [string map [list \\ \\\\ \n \\n \r \\r \0 \\0] $record]
  } else {
    set fields {}
    foreach field $args { lappend fields [escape $field] }
    set record [join $fields "\t"]
  }
  if {$result_channel eq ""} { lappend inherited $record; return }
  puts $result_channel $record
  incr result_records
}

# Runs a trial's script and writes its results, or what failed. The last line tells that the file is
# whole; without it, what is before it is not believed. A fork begins with what was printed and emitted while
# the process that it is a fork of was loaded.
proc ::n2::main {path script} {
  variable result_channel; variable result_records; variable current_step
  variable notes; variable transcript; variable inherited
  if {[info exists transcript]} { puts -nonewline $transcript }
  if {[catch {
    set result_channel [open $path w]
    fconfigure $result_channel -encoding utf-8 -translation lf
    puts $result_channel "noodle2-result\t1"
    foreach record $inherited { puts $result_channel $record; incr result_records }
    if {[catch {uplevel #0 $script} message]} {
      puts "noodle2: $current_step failed: $message"
      emit failed $current_step $message $::errorInfo
    }
    foreach key [lsort [array names notes]] { emit note $key $notes($key) }
    puts $result_channel "end\t$result_records"
    close $result_channel
  } unwritten]} {
    puts "noodle2: the result could not be written: $unwritten"
  }
}

# Runs a part of the script, whose name tells where a failure was. What the engine prints in it comes
# after this line of the log.
proc ::n2::step {name script} {
  variable current_step; variable step_suffix
  set current_step $name
  puts "noodle2: $name$step_suffix"
  uplevel 1 $script
}

# ---- reading -----------------------------------------------------------------------------------

# Makes the corners of this process and reads `corner file` pairs, libraries in the order given.
proc ::n2::read_libraries {names pairs} {
  variable corners
  set corners $names
  step libraries {
    define_corners {*}$names
    foreach {corner file} $pairs {
      # It returns 0 for a file that it could not parse.
      if {[read_liberty -corner $corner $file] eq "0"} { error "library $file cannot be read" }
    }
  }
}

proc ::n2::read_design {netlists top} {
  step netlist {
    foreach file $netlists {
      if {[read_verilog $file] eq "0"} { error "netlist $file cannot be read" }
    }
  }
  step link {
    if {[link_design $top] eq "0" || ![::sta::network_is_linked]} { error "design $top cannot be linked" }
  }
}

# Reads constraints and sets whether clock trees are timed, which the scene decides. `defaults` are
# commands of constraints that come before the first file, such as a wire-load model.
proc ::n2::read_constraints {files clocks wireload} {
  variable group_names; variable marks
  set group_names {}
  array unset marks
  if {$wireload ne ""} { step wireload { set_wire_load_model -name $wireload } }
  # No engine tells the names of its path groups, so they are taken down where they are made.
  trace add execution ::sta::group_path enter ::n2::take_down_group
  foreach file $files {
    step constraints {
      # Errors inside are printed, and are no error of the command.
      if {[read_sdc $file] eq "1"} { error "constraints $file hold an error" }
    }
  }
  trace remove execution ::sta::group_path enter ::n2::take_down_group
  foreach mark [lsort [array names marks]] { emit mark {*}$mark }
  step clocks {
    foreach clock [all_clocks] {
      set propagated [::sta::Clock_is_propagated $clock]
      if {$clocks eq "propagated" && !$propagated && ![::sta::Clock_is_virtual $clock]} {
        set_propagated_clock $clock
      } elseif {$clocks eq "ideal" && $propagated} {
        emit clock_taken_as_ideal [get_name $clock]
        unset_propagated_clock $clock
      }
    }
  }
}

# Multiplies the period and the edges of every clock; generated ones follow theirs. Made anew under its name, a
# clock keeps its latency, uncertainty and exceptions.
proc ::n2::scale_clocks {factor} {
  step perturbation {
    foreach clock [all_clocks] {
      if {[::sta::Clock_is_generated $clock]} continue
      set edges {}
      foreach edge [::sta::Clock_waveform $clock] { lappend edges [expr {$edge * $factor}] }
      set period [expr {[::sta::Clock_period $clock] * $factor}]
      # With the flag that adds, clocks that share a source stay.
      ::sta::make_clock [get_name $clock] [::sta::Clock_sources $clock] 1 $period $edges ""
    }
  }
}

proc ::n2::take_down_group {command operation} {
  variable group_names
  set at [lsearch -glob [lrange $command 1 end] -n*]
  if {$at >= 0} { lappend group_names [lindex $command [expr {$at + 2}]] }
}

proc ::n2::read_parasitics {file} {
  step parasitics {
    if {[read_spef $file] eq "0"} { error "parasitics $file cannot be read" }
  }
}

# Times the design before anything is edited, so that what an edit changes is all that is computed after it.
proc ::n2::time_design {} {
  step timing {
    find_timing
    ::sta::find_requireds
  }
}

# Sets `time_unit`: the seconds in the engine's unit of time, which its libraries and constraints decide.
# Every Liberty unit of time is a power of ten.
proc ::n2::read_units {} {
  variable time_unit
  set units_in_picosecond [::sta::time_sta_ui 1e-12]
  if {$units_in_picosecond <= 0} { error "the engine states no unit of time" }
  set exponent [expr {log10($units_in_picosecond)}]
  set whole [expr {round($exponent)}]
  if {abs($exponent - $whole) > 1e-4} {
    error "the engine's unit of time is no power of ten: a picosecond is $units_in_picosecond of it"
  }
  # Written as text so that the value is the nearest double, not a product of roundings.
  set time_unit [expr {double("1e[expr {-12 - $whole}]")}]
}

# Seconds, as the engine holds them inside, as picoseconds. Through the text that its reports print with
# all digits, so that a metric is what a person reads there: the engine converts in single precision.
proc ::n2::picoseconds {seconds} {
  variable time_unit
  set time [::sta::format_time $seconds 12]
  if {![string is double -strict $time]} { return "" }
  expr {$time * double("1e[expr {round(log10($time_unit)) + 12}]")}
}

# ---- ECO ---------------------------------------------------------------------------------------

# Runs the Tcl of an ECO as the body of a procedure in this namespace, so that its variables are its own.
proc ::n2::apply_eco {path} {
  step eco {
    read_units
    set channel [open $path r]
    fconfigure $channel -encoding utf-8
    set body [read $channel]
    close $channel
    namespace eval ::n2 [list proc eco_body {} $body]
    eco_body
    finish_editing
  }
}

# Keeps a counter or a remark of an ECO; the last value of a key counts.
proc ::n2::note {key value} {
  variable notes
  set notes($key) $value
}

# Writes the design. The engine does not notice a full disk, so the end of the file is looked at.
proc ::n2::write_design {path} {
  step write {
    write_verilog $path
    set channel [open $path r]
    set size [file size $path]
    if {$size > 32} { seek $channel -32 end }
    set tail [read $channel 32]
    close $channel
    if {![string match "*endmodule*" $tail]} {
      # Makes the system say why.
      set probe [open $path.probe w]
      puts $probe [string repeat "probe\n" 20000]
      close $probe
      file delete $path.probe
      error "$path was not written to its end"
    }
  }
}

# Reads the written design back, so that what is measured is what was written, timed from nothing. After
# edits were made and taken back, Debian's version keeps timing that the design does not have: 8 ps of
# 352 were seen after connections, last digits of slacks and 4 % of power after others, and a full update
# does not cure it. The log tells that these steps are made again.
proc ::n2::read_back {netlist top constraints clocks wireload} {
  variable step_suffix " again"
  read_design [list $netlist] $top
  read_constraints $constraints $clocks $wireload
  set step_suffix ""
}
