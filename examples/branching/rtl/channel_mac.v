// A multiply-accumulate unit for four interleaved channels, in five pipeline stages behind a
// valid/ready handshake:
//
//   1 operands    take a word in
//   2 partials    four 8x8 products, those of the high halves signed
//   3 product     their sum, a signed 32-bit product
//   4 accumulate  add it to, or take it from, the channel's sum, and saturate
//   5 result      scale, round and clip to 16 bits
//
// Every stage has an enable of its own, which drives the hold multiplexers of all its registers.

module channel_mac #(
    parameter SUM_BITS = 40
) (
    input  wire        clk,
    input  wire        reset,

    input  wire        in_valid,
    output wire        in_ready,
    input  wire [1:0]  in_channel,
    input  wire        in_first,     // start the channel's sum afresh
    input  wire        in_last,      // pass the channel's sum on when this word is in
    input  wire        in_subtract,
    input  wire [3:0]  in_shift,     // scale of the result
    input  wire [15:0] in_a,
    input  wire [15:0] in_b,

    output wire        out_valid,
    input  wire        out_ready,
    output reg  [1:0]  out_channel,
    output reg  [15:0] out_result,
    output reg         out_clipped,
    output reg         out_saturated
);

    wire [5:1] load;
    wire [3:0] load_sum;
    reg  [1:0] channel_3;
    reg        last_4;

    pipeline_control control (
        .clk(clk), .reset(reset),
        .in_valid(in_valid), .in_ready(in_ready),
        .emit(last_4),
        .out_valid(out_valid), .out_ready(out_ready),
        .load(load),
        .channel(channel_3), .load_sum(load_sum)
    );

    // Stage 1: operands.
    reg [15:0] a_1, b_1;
    reg [1:0]  channel_1;
    reg [3:0]  shift_1;
    reg        first_1, last_1, subtract_1;

    always @(posedge clk)
        if (load[1]) begin
            a_1        <= in_a;
            b_1        <= in_b;
            channel_1  <= in_channel;
            shift_1    <= in_shift;
            first_1    <= in_first;
            last_1     <= in_last;
            subtract_1 <= in_subtract;
        end

    // Stages 2 and 3: the product.
    wire [31:0] product_3;

    split_multiplier multiplier (
        .clk(clk), .load_partials(load[2]), .load_product(load[3]),
        .a(a_1), .b(b_1),
        .product(product_3)
    );

    reg [1:0] channel_2;
    reg [3:0] shift_2, shift_3;
    reg       first_2, last_2, subtract_2;
    reg       first_3, last_3, subtract_3;

    always @(posedge clk) begin
        if (load[2]) begin
            channel_2  <= channel_1;
            shift_2    <= shift_1;
            first_2    <= first_1;
            last_2     <= last_1;
            subtract_2 <= subtract_1;
        end
        if (load[3]) begin
            channel_3  <= channel_2;
            shift_3    <= shift_2;
            first_3    <= first_2;
            last_3     <= last_2;
            subtract_3 <= subtract_2;
        end
    end

    // Stage 4: the channels' sums.
    wire [SUM_BITS-1:0] sum;
    wire                saturated;

    channel_sums #(.SUM_BITS(SUM_BITS)) sums (
        .clk(clk), .load(load_sum),
        .channel(channel_3), .first(first_3), .subtract(subtract_3),
        .product(product_3),
        .sum(sum), .saturated(saturated)
    );

    reg [SUM_BITS-1:0] sum_4;
    reg [1:0]          channel_4;
    reg [3:0]          shift_4;
    reg                saturated_4;

    always @(posedge clk)
        if (load[4]) begin
            sum_4       <= sum;
            channel_4   <= channel_3;
            shift_4     <= shift_3;
            last_4      <= last_3;
            saturated_4 <= saturated;
        end

    // Stage 5: the result.
    wire [15:0] result;
    wire        clipped;

    round_and_clip #(.SUM_BITS(SUM_BITS)) rounding (
        .sum(sum_4), .shift(shift_4),
        .result(result), .clipped(clipped)
    );

    always @(posedge clk)
        if (load[5]) begin
            out_channel   <= channel_4;
            out_result    <= result;
            out_clipped   <= clipped;
            out_saturated <= saturated_4;
        end

endmodule
