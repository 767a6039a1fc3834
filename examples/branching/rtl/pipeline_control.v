// The valid bits of the pipeline and the enables that load its stages. A stage takes a word when it is
// empty or when its own word moves on in the same cycle, so that gaps close while a result waits for its
// reader.

module pipeline_control (
    input  wire       clk,
    input  wire       reset,

    input  wire       in_valid,
    output wire       in_ready,

    input  wire       emit,       // the word in stage 4 ends a sum; others end there
    output wire       out_valid,
    input  wire       out_ready,

    output wire [5:1] load,

    input  wire [1:0] channel,    // of the word that stage 4 takes in
    output wire [3:0] load_sum
);

    reg [5:1] valid;

    wire [4:0] offered = {valid[4] & emit, valid[3:1], in_valid};
    wire [5:1] ready;

    assign ready[5] = ~valid[5] | out_ready;
    assign ready[4] = ~valid[4] | ready[5] | ~emit;
    assign ready[3] = ~valid[3] | ready[4];
    assign ready[2] = ~valid[2] | ready[3];
    assign ready[1] = ~valid[1] | ready[2];

    assign load      = ready & offered;
    assign load_sum  = {3'b000, load[4]} << channel;
    assign in_ready  = ready[1];
    assign out_valid = valid[5];

    always @(posedge clk)
        if (reset)
            valid <= 5'b0;
        else
            valid <= load | (~ready & valid);

endmodule
