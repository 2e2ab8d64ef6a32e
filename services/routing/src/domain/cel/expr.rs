use std::fmt;

use super::Fault;
use super::pattern::Pattern;

/// An expression, or a part of one.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    /// Where it stands: so many characters stand before it.
    pub(crate) at: usize,
    /// How many levels stand in it, itself included.
    pub(super) depth: usize,
    pub(super) kind: Kind,
}

/// Alike when they say the same, wherever they stand.
impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Literal(Literal),
    Name(String),
    Field(Box<Expr>, String),
    Index(Box<Expr>, Box<Expr>),
    List(Vec<Expr>),
    Map(Vec<(Expr, Expr)>),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    /// A whole chain, so that a long one is not deep.
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Binary(Op, Box<Expr>, Box<Expr>),
    Choose(Box<[Expr; 3]>),
    Call(Call),
    Has(Box<Expr>, String),
    Quantified(Quantified),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
}

/// A function, or a method whose receiver is the first argument.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub(super) is_method: bool,
    pub(super) name: String,
    pub(super) args: Vec<Expr>,
    /// What `matches` looks for, where it is written down.
    pub(super) pattern: Option<Pattern>,
}

impl Call {
    pub(super) fn new(is_method: bool, name: String, args: Vec<Expr>) -> Result<Self, Fault> {
        Ok(Self {
            is_method,
            pattern: Pattern::of_call(&name, &args)?,
            name,
            args,
        })
    }
}

/// `list.all(name, holds)` or `list.exists(name, holds)`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Quantified {
    pub(super) all: bool,
    pub(super) list: Box<Expr>,
    pub(super) name: String,
    pub(super) holds: Box<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Op {
    pub(super) const fn mark(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::Unequal => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}

impl Expr {
    pub(super) fn new(at: usize, kind: Kind) -> Self {
        let mut deepest = 0;
        kind.each(|part| deepest = deepest.max(part.depth));
        Self {
            at,
            depth: deepest + 1,
            kind,
        }
    }

    pub(super) const fn is_literal(&self) -> bool {
        matches!(self.kind, Kind::Literal(_))
    }

    /// Whether it must stand in brackets to be part of another.
    const fn is_loose(&self) -> bool {
        matches!(
            self.kind,
            Kind::Not(_)
                | Kind::Negate(_)
                | Kind::And(_)
                | Kind::Or(_)
                | Kind::Binary(..)
                | Kind::Choose(_)
                | Kind::Literal(Literal::Int(i64::MIN..0))
        ) || matches!(self.kind, Kind::Literal(Literal::Double(number)) if number.is_sign_negative())
    }
}

impl Kind {
    fn each<'a>(&'a self, mut look: impl FnMut(&'a Expr)) {
        match self {
            Self::Literal(_) | Self::Name(_) => {}
            Self::Field(of, _) | Self::Has(of, _) | Self::Not(of) | Self::Negate(of) => look(of),
            Self::Index(a, b) | Self::Binary(_, a, b) => {
                look(a);
                look(b);
            }
            Self::List(parts) | Self::And(parts) | Self::Or(parts) => parts.iter().for_each(look),
            Self::Map(entries) => entries.iter().for_each(|(key, value)| {
                look(key);
                look(value);
            }),
            Self::Choose(parts) => parts.iter().for_each(look),
            Self::Call(call) => call.args.iter().for_each(look),
            Self::Quantified(Quantified { list, holds, .. }) => {
                look(list);
                look(holds);
            }
        }
    }
}

/// As one could have written it; brackets stand around every operand that is an operation.
impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Literal(literal) => literal.fmt(f),
            Kind::Name(name) => f.write_str(name),
            Kind::Field(of, name) => write!(f, "{}.{name}", Operand(of)),
            Kind::Index(of, at) => write!(f, "{}[{at}]", Operand(of)),
            Kind::List(parts) => write!(f, "[{}]", Joined(parts, ", ")),
            Kind::Map(entries) => {
                f.write_str("{")?;
                for (place, (key, value)) in entries.iter().enumerate() {
                    let before = if place == 0 { "" } else { ", " };
                    write!(f, "{before}{}: {value}", Operand(key))?;
                }
                f.write_str("}")
            }
            Kind::Not(of) => write!(f, "!{}", Operand(of)),
            // `-1` is one number, and `-(1)` the negation of one.
            Kind::Negate(of) if of.is_literal() => write!(f, "-({of})"),
            Kind::Negate(of) => write!(f, "-{}", Operand(of)),
            Kind::And(parts) => Operands(parts, " && ").fmt(f),
            Kind::Or(parts) => Operands(parts, " || ").fmt(f),
            Kind::Binary(op, a, b) => write!(f, "{} {} {}", Operand(a), op.mark(), Operand(b)),
            Kind::Choose(parts) => {
                let [when, this, that] = parts.as_ref();
                write!(
                    f,
                    "{} ? {} : {}",
                    Operand(when),
                    Operand(this),
                    Operand(that)
                )
            }
            Kind::Call(call) => call.fmt(f),
            Kind::Has(of, name) => write!(f, "has({}.{name})", Operand(of)),
            Kind::Quantified(Quantified {
                all,
                list,
                name,
                holds,
            }) => {
                let word = if *all { "all" } else { "exists" };
                write!(f, "{}.{word}({name}, {holds})", Operand(list))
            }
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.args.split_first() {
            Some((of, rest)) if self.is_method => {
                write!(f, "{}.{}({})", Operand(of), self.name, Joined(rest, ", "))
            }
            _ => write!(f, "{}({})", self.name, Joined(&self.args, ", ")),
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(number) => number.fmt(f),
            Self::Double(number) => write!(f, "{number:?}"),
            Self::Text(text) => write_quoted(text, f),
        }
    }
}

/// A text as the language writes it.
pub(super) fn write_quoted(text: &str, f: &mut impl fmt::Write) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            c if c.is_control() => write!(f, "\\U{:08x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

struct Operand<'a>(&'a Expr);

impl fmt::Display for Operand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_loose() {
            write!(f, "({})", self.0)
        } else {
            self.0.fmt(f)
        }
    }
}

struct Operands<'a>(&'a [Expr], &'static str);

impl fmt::Display for Operands<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, part) in self.0.iter().enumerate() {
            let before = if place == 0 { "" } else { self.1 };
            write!(f, "{before}{}", Operand(part))?;
        }
        Ok(())
    }
}

struct Joined<'a>(&'a [Expr], &'static str);

impl fmt::Display for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, part) in self.0.iter().enumerate() {
            let before = if place == 0 { "" } else { self.1 };
            write!(f, "{before}{part}")?;
        }
        Ok(())
    }
}
