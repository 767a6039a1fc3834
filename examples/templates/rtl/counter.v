// A 16-bit counter that goes up by `step` while enabled and starts again once it has reached `limit`.

module counter (
    input  wire        clk,
    input  wire        reset,
    input  wire        enable,
    input  wire        load,      // take `step` and `limit` in
    input  wire [7:0]  step,
    input  wire [15:0] limit,
    output reg  [15:0] count,
    output reg         wrapped
);

    reg [7:0]  held_step;
    reg [15:0] held_limit;

    wire [16:0] next    = count + held_step;
    wire        reached = next >= held_limit;

    always @(posedge clk)
        if (load) begin
            held_step  <= step;
            held_limit <= limit;
        end

    always @(posedge clk)
        if (reset) begin
            count   <= 16'b0;
            wrapped <= 1'b0;
        end else if (enable) begin
            count   <= reached ? 16'b0 : next[15:0];
            wrapped <= reached;
        end

endmodule
