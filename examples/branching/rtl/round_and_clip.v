// Scales a sum to 16 bits: an arithmetic shift right by 8 + `shift`, rounded half up, clipped to the range
// of the result.

module round_and_clip #(
    parameter SUM_BITS = 40
) (
    input  wire [SUM_BITS-1:0] sum,
    input  wire [3:0]          shift,
    output wire [15:0]         result,
    output wire                clipped
);

    // The lowest bit kept is the one that rounds.
    wire signed [SUM_BITS-8:0] scaled = $signed(sum[SUM_BITS-1:7]) >>> shift;
    wire [SUM_BITS-8:0] rounded = {scaled[SUM_BITS-8], scaled[SUM_BITS-8:1]} + {{(SUM_BITS - 8){1'b0}}, scaled[0]};

    // It fits when all bits above the result equal its sign.
    assign clipped = rounded[SUM_BITS-8:15] != {(SUM_BITS - 22){rounded[15]}};
    assign result  = clipped ? {rounded[SUM_BITS-8], {15{~rounded[SUM_BITS-8]}}} : rounded[15:0];

endmodule
