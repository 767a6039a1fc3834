//! Boolean expressions as Liberty writes them in `function`, `three_state`, `next_state` and the like.
//!
//! Inversion (`!A` and `A'`) binds tightest, then exclusive or (`^`), then and (`*`, `&` or nothing but
//! a blank between two operands), then or (`+`, `|`), as the Liberty reference defines it. Expressions
//! are kept in postfix order, so that neither reading nor evaluating one recurses.

/// The longest expression that is read; real ones have a few hundred characters.
const MAX_LENGTH: usize = 1 << 14;

/// A Boolean expression over named pins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    pub(crate) variables: Vec<String>,
    pub(crate) steps: Vec<Step>,
}

/// One step of an expression in postfix order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Variable(usize),
    Constant(bool),
    Not,
    And,
    Or,
    Xor,
}

/// Why a text is not a Boolean expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// An operand is missing.
    #[error("an operand is missing at byte {0}")]
    MissingOperand(usize),
    /// Parentheses do not pair.
    #[error("a parenthesis without its partner")]
    Parenthesis,
    /// A quoted name is not closed.
    #[error("a quoted name is not closed")]
    Quote,
    /// The expression is longer than any real one.
    #[error("longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// The expression has too many inputs for a table of its truth.
    #[error("{0} inputs are too many to compare")]
    TooManyInputs(usize),
}

/// What waits on the stack of operators.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Pending {
    Open,
    Or,
    And,
    Xor,
    Not,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// When the text is empty, too long, or not an expression.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        if text.len() > MAX_LENGTH {
            return Err(ExpressionError::TooLong);
        }
        let mut reader = Reader::default();
        let bytes = text.as_bytes();
        let mut position = 0;
        while position < bytes.len() {
            let byte = bytes[position];
            let start = position;
            position += 1;
            match byte {
                b'(' => reader.open(),
                b')' => reader.close(start)?,
                b'!' => reader.not(),
                b'\'' => reader.inverted(start)?,
                b'^' => reader.operator(Pending::Xor, start)?,
                b'*' | b'&' => reader.operator(Pending::And, start)?,
                b'+' | b'|' => reader.operator(Pending::Or, start)?,
                b'"' => {
                    let length =
                        memchr::memchr(b'"', &bytes[position..]).ok_or(ExpressionError::Quote)?;
                    reader.variable(&text[position..position + length]);
                    position += length + 1;
                }
                _ if byte.is_ascii_whitespace() => {}
                _ => {
                    position = bytes[start..]
                        .iter()
                        .position(|byte| {
                            byte.is_ascii_whitespace() || b"()!'^*&+|\"".contains(byte)
                        })
                        .map_or(bytes.len(), |length| start + length);
                    match &text[start..position] {
                        "0" => reader.operand(Step::Constant(false)),
                        "1" => reader.operand(Step::Constant(true)),
                        name => reader.variable(name),
                    }
                }
            }
        }
        reader.finish(text.len())
    }

    /// The names that the expression mentions, in order of first mention.
    pub fn variables(&self) -> &[String] {
        &self.variables
    }

    /// The expression with its variables renamed. Two variables given one name become one.
    pub(crate) fn renamed(&self, mut rename: impl FnMut(&str) -> String) -> Self {
        let mut variables: Vec<String> = Vec::new();
        let places: Vec<usize> = self
            .variables
            .iter()
            .map(|name| place(&mut variables, &rename(name)))
            .collect();
        let steps = self
            .steps
            .iter()
            .map(|step| match step {
                Step::Variable(index) => Step::Variable(places[*index]),
                step => *step,
            })
            .collect();
        Self { variables, steps }
    }

    /// The value for each combination of 64 rows at once: bit `n` of a variable's word is its value in
    /// row `n`.
    pub(crate) fn evaluate(&self, words: &[u64], stack: &mut Vec<u64>) -> u64 {
        stack.clear();
        for step in &self.steps {
            match step {
                Step::Variable(index) => stack.push(words[*index]),
                Step::Constant(value) => stack.push(if *value { u64::MAX } else { 0 }),
                Step::Not => {
                    if let Some(top) = stack.last_mut() {
                        *top = !*top;
                    }
                }
                Step::And => combine(stack, |left, right| left & right),
                Step::Or => combine(stack, |left, right| left | right),
                Step::Xor => combine(stack, |left, right| left ^ right),
            }
        }
        stack.pop().unwrap_or(0)
    }
}

fn combine(stack: &mut Vec<u64>, operator: impl Fn(u64, u64) -> u64) {
    if let (Some(right), Some(left)) = (stack.pop(), stack.pop()) {
        stack.push(operator(left, right));
    }
}

fn place(variables: &mut Vec<String>, name: &str) -> usize {
    match variables.iter().position(|known| known == name) {
        Some(place) => place,
        None => {
            variables.push(name.to_owned());
            variables.len() - 1
        }
    }
}

/// Operator precedence parsing with two stacks.
#[derive(Default)]
struct Reader {
    variables: Vec<String>,
    steps: Vec<Step>,
    pending: Vec<Pending>,
    /// Whether the last thing read can be the left side of an operator.
    complete: bool,
}

impl Reader {
    /// Two operands without an operator between them are and-ed.
    fn before_operand(&mut self) {
        if self.complete {
            self.push(Pending::And);
        }
        self.complete = false;
    }

    fn operand(&mut self, step: Step) {
        self.before_operand();
        self.steps.push(step);
        self.complete = true;
    }

    fn variable(&mut self, name: &str) {
        let place = place(&mut self.variables, name);
        self.operand(Step::Variable(place));
    }

    fn open(&mut self) {
        self.before_operand();
        self.pending.push(Pending::Open);
    }

    fn close(&mut self, at: usize) -> Result<(), ExpressionError> {
        if !self.complete {
            return Err(ExpressionError::MissingOperand(at));
        }
        while let Some(pending) = self.pending.pop() {
            if pending == Pending::Open {
                return Ok(());
            }
            self.emit(pending);
        }
        Err(ExpressionError::Parenthesis)
    }

    fn not(&mut self) {
        self.before_operand();
        self.pending.push(Pending::Not);
    }

    /// `'` inverts the operand before it, which is already complete.
    fn inverted(&mut self, at: usize) -> Result<(), ExpressionError> {
        if !self.complete {
            return Err(ExpressionError::MissingOperand(at));
        }
        self.steps.push(Step::Not);
        Ok(())
    }

    fn operator(&mut self, operator: Pending, at: usize) -> Result<(), ExpressionError> {
        if !self.complete {
            return Err(ExpressionError::MissingOperand(at));
        }
        self.push(operator);
        self.complete = false;
        Ok(())
    }

    fn push(&mut self, operator: Pending) {
        while let Some(pending) = self.pending.pop() {
            if pending == Pending::Open || pending < operator {
                self.pending.push(pending);
                break;
            }
            self.emit(pending);
        }
        self.pending.push(operator);
    }

    fn emit(&mut self, pending: Pending) {
        self.steps.push(match pending {
            Pending::Not => Step::Not,
            Pending::Xor => Step::Xor,
            Pending::And => Step::And,
            Pending::Or => Step::Or,
            // Callers take an opening parenthesis off the stack themselves.
            Pending::Open => return,
        });
    }

    fn finish(mut self, end: usize) -> Result<Expression, ExpressionError> {
        if !self.complete {
            return Err(ExpressionError::MissingOperand(end));
        }
        while let Some(pending) = self.pending.pop() {
            if pending == Pending::Open {
                return Err(ExpressionError::Parenthesis);
            }
            self.emit(pending);
        }
        Ok(Expression {
            variables: self.variables,
            steps: self.steps,
        })
    }
}
