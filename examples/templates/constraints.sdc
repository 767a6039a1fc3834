# Times in nanoseconds and capacitances in picofarads, the units of OSU018.

create_clock -name clk -period 2.8 [get_ports clk]

set inputs {reset enable load step* limit*}
set outputs {count* wrapped}

set_input_delay -max 0.5 -clock clk [get_ports $inputs]
set_input_delay -min 0.2 -clock clk [get_ports $inputs]
set_output_delay -max 0.5 -clock clk [get_ports $outputs]
set_output_delay -min 0.0 -clock clk [get_ports $outputs]

set_driving_cell -lib_cell BUFX2 -pin Y [get_ports $inputs]
set_load 0.05 [get_ports $outputs]
