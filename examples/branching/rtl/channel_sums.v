// Four running sums, one a channel. A word reads its channel's sum, adds or subtracts the product and
// writes the saturated result back, all in one cycle, so that words of one channel may follow each other.
// A channel's sum is undefined until its first word.

module channel_sums #(
    parameter SUM_BITS = 40
) (
    input  wire                clk,
    input  wire [3:0]          load,       // one enable a channel

    input  wire [1:0]          channel,
    input  wire                first,
    input  wire                subtract,
    input  wire [31:0]         product,

    output wire [SUM_BITS-1:0] sum,
    output wire                saturated
);

    reg [SUM_BITS-1:0] sum_0, sum_1, sum_2, sum_3;

    reg [SUM_BITS-1:0] selected;

    always @*
        case (channel)
            2'd0: selected = sum_0;
            2'd1: selected = sum_1;
            2'd2: selected = sum_2;
            2'd3: selected = sum_3;
        endcase

    wire [SUM_BITS-1:0] start = first ? {SUM_BITS{1'b0}} : selected;

    // One bit more than the sum: the two topmost differ when it overflows.
    wire [SUM_BITS:0] addend = {{(SUM_BITS - 31){product[31]}}, product} ^ {(SUM_BITS + 1){subtract}};
    wire [SUM_BITS:0] total  = {start[SUM_BITS-1], start} + addend + {{SUM_BITS{1'b0}}, subtract};

    assign saturated = total[SUM_BITS] ^ total[SUM_BITS-1];
    assign sum = saturated ? {total[SUM_BITS], {(SUM_BITS - 1){~total[SUM_BITS]}}}
                           : total[SUM_BITS-1:0];

    always @(posedge clk) begin
        if (load[0]) sum_0 <= sum;
        if (load[1]) sum_1 <= sum;
        if (load[2]) sum_2 <= sum;
        if (load[3]) sum_3 <= sum;
    end

endmodule
