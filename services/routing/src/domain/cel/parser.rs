use super::expr::{Call, Expr, Kind, Literal, Op, Quantified};
use super::lexer::{Lexeme, Token, lex};
use super::{DEPTH_MAX, Fault, PATTERNS_MAX, SOURCE_CHARACTERS};

/// Words that are no names, by the language definition.
const RESERVED: [&str; 18] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "var",
    "while",
];

/// Reads an expression.
///
/// # Errors
/// The first thing that cannot be understood.
pub(crate) fn parse(source: &str) -> Result<Expr, Fault> {
    if source.chars().nth(SOURCE_CHARACTERS).is_some() {
        let what = format!("is longer than {SOURCE_CHARACTERS} characters");
        return Err(Fault::new(SOURCE_CHARACTERS, "TOO_LONG", what));
    }
    let mut parser = Parser {
        lexemes: lex(source)?,
        next: 0,
        nesting: 0,
        patterns: 0,
    };
    let expr = parser.expr()?;
    match parser.peek() {
        Token::End => Ok(expr),
        _ => Err(parser.unexpected()),
    }
}

struct Parser {
    lexemes: Vec<Lexeme>,
    next: usize,
    /// Expressions that stand in each other here: what bounds the depth of the calls below.
    nesting: usize,
    /// Calls of `matches`: each is compiled.
    patterns: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.lexemes
            .get(self.next)
            .map_or(&Token::End, |lexeme| &lexeme.token)
    }

    fn at(&self) -> usize {
        let lexeme = self.lexemes.get(self.next).or(self.lexemes.last());
        lexeme.map_or(0, |lexeme| lexeme.at)
    }

    /// Takes this mark, if it is next.
    fn takes(&mut self, mark: &str) -> bool {
        let stands = matches!(self.peek(), Token::Mark(next) if *next == mark);
        self.next += usize::from(stands);
        stands
    }

    fn expect(&mut self, mark: &str) -> Result<(), Fault> {
        if self.takes(mark) {
            return Ok(());
        }
        Err(Fault::syntax(self.at(), format!("{mark} is missing")))
    }

    fn unexpected(&self) -> Fault {
        let what = match self.peek() {
            Token::End => "the expression ends too early",
            _ => "this does not belong here",
        };
        Fault::syntax(self.at(), what)
    }

    fn node(&self, at: usize, kind: Kind) -> Result<Expr, Fault> {
        let expr = Expr::new(at, kind);
        if expr.depth > DEPTH_MAX {
            return Err(too_deep(at));
        }
        Ok(expr)
    }

    fn expr(&mut self) -> Result<Expr, Fault> {
        let at = self.at();
        if self.nesting == DEPTH_MAX {
            return Err(too_deep(at));
        }
        self.nesting += 1;
        let when = self.or()?;
        let expr = if self.takes("?") {
            let this = self.or()?;
            self.expect(":")?;
            let that = self.expr()?;
            self.node(at, Kind::Choose(Box::new([when, this, that])))?
        } else {
            when
        };
        self.nesting -= 1;
        Ok(expr)
    }

    fn or(&mut self) -> Result<Expr, Fault> {
        self.chain("||", Self::and, Kind::Or)
    }

    fn and(&mut self) -> Result<Expr, Fault> {
        self.chain("&&", Self::relation, Kind::And)
    }

    fn chain(
        &mut self,
        mark: &str,
        part: impl Fn(&mut Self) -> Result<Expr, Fault>,
        whole: impl Fn(Vec<Expr>) -> Kind,
    ) -> Result<Expr, Fault> {
        let at = self.at();
        let first = part(self)?;
        if !self.takes(mark) {
            return Ok(first);
        }
        let mut parts = vec![first, part(self)?];
        while self.takes(mark) {
            parts.push(part(self)?);
        }
        self.node(at, whole(parts))
    }

    fn relation(&mut self) -> Result<Expr, Fault> {
        use Op::{Equal, Greater, GreaterOrEqual, In, Less, LessOrEqual, Unequal};
        let ops = [
            Equal,
            Unequal,
            LessOrEqual,
            GreaterOrEqual,
            Less,
            Greater,
            In,
        ];
        self.binary(&ops, Self::addition)
    }

    fn addition(&mut self) -> Result<Expr, Fault> {
        self.binary(&[Op::Add, Op::Subtract], Self::multiplication)
    }

    fn multiplication(&mut self) -> Result<Expr, Fault> {
        self.binary(&[Op::Multiply, Op::Divide, Op::Remainder], Self::unary)
    }

    fn binary(
        &mut self,
        ops: &[Op],
        part: impl Fn(&mut Self) -> Result<Expr, Fault>,
    ) -> Result<Expr, Fault> {
        let at = self.at();
        let mut left = part(self)?;
        while let Some(op) = ops.iter().copied().find(|op| self.takes_op(*op)) {
            let right = part(self)?;
            left = self.node(at, Kind::Binary(op, Box::new(left), Box::new(right)))?;
        }
        Ok(left)
    }

    fn takes_op(&mut self, op: Op) -> bool {
        if op != Op::In {
            return self.takes(op.mark());
        }
        let stands = matches!(self.peek(), Token::Name(name) if name == "in");
        self.next += usize::from(stands);
        stands
    }

    fn unary(&mut self) -> Result<Expr, Fault> {
        let at = self.at();
        let mut nots = 0;
        while self.takes("!") {
            nots += 1;
        }
        let mut minuses = 0;
        while nots == 0 && self.takes("-") {
            minuses += 1;
        }
        let mut of = if minuses > 0 && self.is_lone_number() {
            minuses -= 1;
            self.negative()?
        } else {
            self.member()?
        };
        for _ in 0..nots {
            of = self.node(at, Kind::Not(Box::new(of)))?;
        }
        for _ in 0..minuses {
            of = self.node(at, Kind::Negate(Box::new(of)))?;
        }
        Ok(of)
    }

    /// A number that nothing is asked of: a minus before it is its sign.
    fn is_lone_number(&self) -> bool {
        let goes_on = self.lexemes.get(self.next + 1);
        let goes_on = goes_on.is_some_and(|next| matches!(next.token, Token::Mark("." | "[")));
        matches!(self.peek(), Token::Int(_) | Token::Double(_)) && !goes_on
    }

    fn negative(&mut self) -> Result<Expr, Fault> {
        let at = self.at();
        let literal = match *self.peek() {
            Token::Int(size) => 0_i64.checked_sub_unsigned(size).map(Literal::Int),
            Token::Double(size) => Some(Literal::Double(-size)),
            _ => None,
        };
        self.next += 1;
        let literal = literal.ok_or_else(|| out_of_range(at))?;
        self.node(at, Kind::Literal(literal))
    }

    fn member(&mut self) -> Result<Expr, Fault> {
        let start = self.at();
        let mut of = self.primary()?;
        loop {
            let at = self.at();
            if self.takes(".") {
                let name = self.name()?;
                of = if self.takes("(") {
                    let args = self.list(")")?;
                    self.count_pattern(start, &name)?;
                    let kind = method(start, of, name, args)?;
                    self.node(start, kind)?
                } else {
                    self.node(start, Kind::Field(Box::new(of), name))?
                };
            } else if self.takes("[") {
                let place = self.expr()?;
                self.expect("]")?;
                of = self.node(at.min(start), Kind::Index(Box::new(of), Box::new(place)))?;
            } else {
                return Ok(of);
            }
        }
    }

    fn count_pattern(&mut self, at: usize, name: &str) -> Result<(), Fault> {
        self.patterns += usize::from(name == "matches");
        if self.patterns > PATTERNS_MAX {
            let what = format!("has more than {PATTERNS_MAX} patterns");
            return Err(Fault::new(at, "TOO_MANY_PATTERNS", what));
        }
        Ok(())
    }

    fn name(&mut self) -> Result<String, Fault> {
        match self.peek().clone() {
            Token::Name(name) => {
                self.next += 1;
                Ok(name)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn primary(&mut self) -> Result<Expr, Fault> {
        let at = self.at();
        let kind = match self.peek().clone() {
            Token::Name(name) => return self.named(at, name),
            Token::Mark("(") => {
                self.next += 1;
                let expr = self.expr()?;
                self.expect(")")?;
                return Ok(expr);
            }
            Token::Mark("[") => {
                self.next += 1;
                return self
                    .list("]")
                    .and_then(|parts| self.node(at, Kind::List(parts)));
            }
            Token::Mark("{") => {
                self.next += 1;
                return self
                    .map()
                    .and_then(|entries| self.node(at, Kind::Map(entries)));
            }
            Token::Text(text) => Literal::Text(text),
            Token::Double(number) => Literal::Double(number),
            Token::Int(size) => Literal::Int(i64::try_from(size).map_err(|_| out_of_range(at))?),
            Token::Mark(_) | Token::End => return Err(self.unexpected()),
        };
        self.next += 1;
        self.node(at, Kind::Literal(kind))
    }

    fn named(&mut self, at: usize, name: String) -> Result<Expr, Fault> {
        if RESERVED.contains(&name.as_str()) {
            return Err(self.unexpected());
        }
        self.next += 1;
        let kind = match name.as_str() {
            "true" => Kind::Literal(Literal::Bool(true)),
            "false" => Kind::Literal(Literal::Bool(false)),
            _ if self.takes("(") => {
                let args = self.list(")")?;
                self.count_pattern(at, &name)?;
                function(at, name, args)?
            }
            _ => Kind::Name(name),
        };
        self.node(at, kind)
    }

    /// Expressions up to a closing mark; one comma may follow the last of a list.
    fn list(&mut self, end: &str) -> Result<Vec<Expr>, Fault> {
        let mut parts = Vec::new();
        while !self.takes(end) {
            parts.push(self.expr()?);
            if !self.takes(",") {
                self.expect(end)?;
                break;
            }
            if end == ")" && matches!(self.peek(), Token::Mark(")")) {
                return Err(self.unexpected());
            }
        }
        Ok(parts)
    }

    fn map(&mut self) -> Result<Vec<(Expr, Expr)>, Fault> {
        let mut entries = Vec::new();
        while !self.takes("}") {
            let key = self.expr()?;
            self.expect(":")?;
            entries.push((key, self.expr()?));
            if !self.takes(",") {
                self.expect("}")?;
                break;
            }
        }
        Ok(entries)
    }
}

/// A method, or a macro that looks like one.
fn method(at: usize, of: Expr, name: String, args: Vec<Expr>) -> Result<Kind, Fault> {
    if !matches!(name.as_str(), "all" | "exists") {
        let args = std::iter::once(of).chain(args).collect();
        return Call::new(true, name, args).map(Kind::Call);
    }
    let mut args = args.into_iter();
    match (args.next().map(|arg| arg.kind), args.next(), args.next()) {
        (Some(Kind::Name(variable)), Some(holds), None) => Ok(Kind::Quantified(Quantified {
            all: name == "all",
            list: Box::new(of),
            name: variable,
            holds: Box::new(holds),
        })),
        _ => {
            let what = format!("{name} takes a name and a condition");
            Err(Fault::syntax(at, what))
        }
    }
}

/// A function, or a macro that looks like one.
fn function(at: usize, name: String, args: Vec<Expr>) -> Result<Kind, Fault> {
    if name != "has" {
        return Call::new(false, name, args).map(Kind::Call);
    }
    let mut args = args.into_iter();
    match (args.next().map(|arg| arg.kind), args.next()) {
        (Some(Kind::Field(of, field)), None) => Ok(Kind::Has(of, field)),
        _ => Err(Fault::syntax(at, "has takes a field, as in has(a.b)")),
    }
}

fn too_deep(at: usize) -> Fault {
    let what = format!("is deeper than {DEPTH_MAX} levels");
    Fault::new(at, "TOO_DEEP", what)
}

fn out_of_range(at: usize) -> Fault {
    Fault::syntax(at, "the number is out of range")
}
