# Times in nanoseconds and capacitances in picofarads, the units of OSU018.

create_clock -name clk -period 5.8 [get_ports clk]

set inputs {reset in_valid in_channel* in_first in_last in_subtract in_shift* in_a* in_b* out_ready}
set outputs {in_ready out_valid out_channel* out_result* out_clipped out_saturated}

set_input_delay -max 1.0 -clock clk [get_ports $inputs]
set_input_delay -min 0.2 -clock clk [get_ports $inputs]
set_output_delay -max 1.0 -clock clk [get_ports $outputs]
set_output_delay -min 0.0 -clock clk [get_ports $outputs]

set_driving_cell -lib_cell BUFX2 -pin Y [get_ports $inputs]
set_load 0.05 [get_ports $outputs]

set_max_transition 0.75 [current_design]
