# Times in nanoseconds and capacitances in femtofarads, the units of Nangate45.

create_clock -name clk -period 1.15 [get_ports clk]

set inputs {load_partials load_product a* b*}

set_input_delay -max 0.16 -clock clk [get_ports $inputs]
set_input_delay -min 0.04 -clock clk [get_ports $inputs]
set_output_delay -max 0.16 -clock clk [get_ports product*]
set_output_delay -min 0 -clock clk [get_ports product*]

set_driving_cell -lib_cell BUF_X2 -pin Z [get_ports $inputs]
set_load 5.0 [get_ports product*]

set_max_transition 0.20 [current_design]
