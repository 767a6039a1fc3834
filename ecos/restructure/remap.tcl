# Maps the logic of a netlist anew, inside yosys. Registers, macros, black boxes, cells of power management
# and whatever feeds the clock pins of registers keep their names, cells and connections.

array set job $::env(N2_RESTRUCTURE)

yosys read_liberty -ignore_miss_func $job(work)/logic.lib
yosys design -stash logic
# Empty modules for all cells: they tell which pins are inputs.
yosys read_liberty -lib $job(work)/logic.lib
if {$job(other_names) ne ""} { yosys read_liberty -lib $job(work)/others.lib }
yosys read_verilog $job(work)/netlist.v
yosys hierarchy -top $job(top)

# What feeds a clock pin, up to the registers, is a clock network and stays as it is.
set stops [join [lmap name $job(other_names) { set name "-$name" }] :]
foreach {cell pin} $job(clock_pins) {
  yosys setattr -set clock_network 1 t:$cell "%ci1:+$cell\[$pin\]" w:* %i "%ci*:$stops" t:* %i
}
yosys setattr -set keep 1 a:clock_network=1
foreach name $job(other_names) { yosys setattr -set keep 1 t:$name }

yosys techmap -map %logic t:* a:clock_network=1 %d
yosys opt -purge

set load 0.01
if {$job(buffer) ne ""} {
  lassign $job(buffer) area cell input output capacitance
  if {[string is double -strict $capacitance]} {
    # In fF; each port of the logic is taken to drive four inputs of the buffer and be driven by it.
    set load [expr {4 * $capacitance * ($job(picofarads) ? 1000.0 : 1.0)}]
  }
  set channel [open $job(work)/constraints w]
  puts $channel "set_driving_cell $cell\nset_load $load \[allports\]"
  close $channel
}

set delay [expr {$job(delay_ps) > 0 ? [list -D $job(delay_ps)] : {}}]
# `map` looks at loads and `&nf` does not, but needs fewer gates.
set sizing "topo;buffer,-c,-N,$job(max_fanout);upsize,{D};dnsize,{D};stime,-p"
switch -- $job(script) {
  speed { set steps "strash;ifraig;scorr;dc2;strash;dch,-f;map,-B,0.9,{D};$sizing" }
  balanced { set steps "strash;ifraig;scorr;dc2;strash;&get,-n;&dch,-f;&nf,{D};&put;$sizing" }
  area { set steps "strash;ifraig;scorr;dc2;dc2;strash;dch,-f;amap,-m;topo;buffer,-c,-N,$job(max_fanout);dnsize,{D}" }
}
yosys abc -liberty $job(work)/targets.lib {*}[expr {$job(buffer) ne "" ? [list -constr $job(work)/constraints] : {}}] \
  {*}$delay -script "+$steps"

array set tie $job(tie)
if {[info exists tie(0)] && [info exists tie(1)]} { yosys hilomap -singleton -hicell {*}$tie(1) -locell {*}$tie(0) }
# Bits of one vector may have become one net: as nets of their own, no assignment between them is left.
yosys splitnets
yosys clean -purge
# Ports that share a net would be written as an assignment, which timing engines drop.
if {$job(buffer) ne ""} { yosys insbuf -buf $cell $input $output }
yosys clean -purge
# Nothing but cells of the libraries may be left.
yosys select -assert-none {t:$*}
yosys rename -enumerate -pattern "$job(prefix)x%"
yosys write_verilog -noattr -noexpr -nohex -nodec $job(output)
