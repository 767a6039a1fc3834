// A signed 16x16 multiplier in two pipeline stages: four 8x8 products, then their sum.

module split_multiplier (
    input  wire        clk,
    input  wire        load_partials,
    input  wire        load_product,
    input  wire [15:0] a,
    input  wire [15:0] b,
    output reg  [31:0] product
);

    wire signed [8:0] a_high = {a[15], a[15:8]};
    wire signed [8:0] a_low  = {1'b0, a[7:0]};
    wire signed [8:0] b_high = {b[15], b[15:8]};
    wire signed [8:0] b_low  = {1'b0, b[7:0]};

    reg signed [15:0] high_high;
    reg signed [16:0] high_low, low_high;
    reg        [15:0] low_low;

    // The outer products do not overlap; only the two middle ones are added to them.
    wire [31:0] outer  = {high_high, low_low};
    wire [17:0] middle = {high_low[16], high_low} + {low_high[16], low_high};

    always @(posedge clk) begin
        if (load_partials) begin
            high_high <= a_high * b_high;
            high_low  <= a_high * b_low;
            low_high  <= a_low * b_high;
            low_low   <= a_low * b_low;
        end
        if (load_product)
            product <= outer + {{6{middle[17]}}, middle, 8'b0};
    end

endmodule
