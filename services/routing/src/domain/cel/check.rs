//! Whether an expression makes sense before anything is known: all that does not, at once.

use std::collections::BTreeMap;
use std::fmt;

use chrono_tz::Tz;

use super::Fault;
use super::expr::{Call, Expr, Kind, Literal, Op, Quantified};
use super::functions;

/// Of which kind a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Bool,
    Int,
    Double,
    Text,
    Time,
    List(Box<Type>),
    /// By text.
    Map(Box<Type>),
    /// A thing with named fields, by the name of its shape.
    Object(&'static str),
    /// What is in an empty list.
    Any,
    /// Something is wrong with it, and that was said.
    Wrong,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Double => f.write_str("double"),
            Self::Text => f.write_str("string"),
            Self::Time => f.write_str("timestamp"),
            Self::List(of) => write!(f, "list({of})"),
            Self::Map(of) => write!(f, "map(string, {of})"),
            Self::Object(shape) => f.write_str(shape),
            Self::Any | Self::Wrong => f.write_str("anything"),
        }
    }
}

/// The names an expression may use.
#[derive(Debug, Default)]
pub(crate) struct Env {
    pub(crate) names: BTreeMap<&'static str, Type>,
    pub(crate) shapes: BTreeMap<&'static str, BTreeMap<&'static str, Type>>,
}

/// The type of an expression, and everything that is wrong with it.
pub(crate) fn check(expr: &Expr, env: &Env) -> (Type, Vec<Fault>) {
    let mut checker = Checker {
        env,
        locals: Vec::new(),
        faults: Vec::new(),
    };
    let of = checker.of(expr);
    (of, checker.faults)
}

struct Checker<'a> {
    env: &'a Env,
    /// The names that macros bind, the innermost last, and whether they were used.
    locals: Vec<(&'a str, Type, bool)>,
    faults: Vec<Fault>,
}

impl<'a> Checker<'a> {
    fn fail(&mut self, at: usize, reason: &'static str, what: impl Into<String>) -> Type {
        self.faults.push(Fault::new(at, reason, what));
        Type::Wrong
    }

    fn of(&mut self, expr: &'a Expr) -> Type {
        match &expr.kind {
            Kind::Literal(literal) => match literal {
                Literal::Bool(_) => Type::Bool,
                Literal::Int(_) => Type::Int,
                Literal::Double(_) => Type::Double,
                Literal::Text(_) => Type::Text,
            },
            Kind::Name(name) => self.name(expr.at, name),
            Kind::Field(of, name) => self.field(of, name),
            Kind::Has(of, name) => match self.field(of, name) {
                Type::Wrong => Type::Wrong,
                _ => Type::Bool,
            },
            Kind::Index(of, place) => self.index(of, place),
            Kind::List(parts) => Type::List(Box::new(self.alike(parts.iter()))),
            Kind::Map(entries) => {
                for (key, _) in entries {
                    self.must_be(key, &Type::Text);
                }
                Type::Map(Box::new(self.alike(entries.iter().map(|(_, value)| value))))
            }
            Kind::Not(of) => self.must_be(of, &Type::Bool),
            Kind::Negate(of) => match self.of(of) {
                number @ (Type::Int | Type::Double | Type::Wrong) => number,
                other => self.mismatch(of.at, format!("{other} has no negative")),
            },
            Kind::And(parts) | Kind::Or(parts) => {
                for part in parts {
                    self.must_be(part, &Type::Bool);
                }
                Type::Bool
            }
            Kind::Binary(op, a, b) => self.binary(*op, a, b),
            Kind::Choose(parts) => {
                let [when, this, that] = parts.as_ref();
                self.must_be(when, &Type::Bool);
                self.alike([this, that].into_iter())
            }
            Kind::Call(call) => self.call(expr.at, call),
            Kind::Quantified(quantified) => self.quantified(expr.at, quantified),
        }
    }

    fn mismatch(&mut self, at: usize, what: String) -> Type {
        self.fail(at, "TYPE_MISMATCH", what)
    }

    fn must_be(&mut self, expr: &'a Expr, wanted: &Type) -> Type {
        let found = self.of(expr);
        match join(&found, wanted) {
            Some(_) => wanted.clone(),
            None => self.mismatch(expr.at, format!("is {found}, and {wanted} is wanted")),
        }
    }

    /// The type all of them have.
    fn alike(&mut self, parts: impl Iterator<Item = &'a Expr>) -> Type {
        let mut all = Type::Any;
        for part in parts {
            let found = self.of(part);
            all = match join(&all, &found) {
                Some(joined) => joined,
                None => self.mismatch(part.at, format!("is {found} beside {all}")),
            };
        }
        all
    }

    fn name(&mut self, at: usize, name: &str) -> Type {
        if let Some(local) = self.locals.iter_mut().rev().find(|local| local.0 == name) {
            local.2 = true;
            return local.1.clone();
        }
        match self.env.names.get(name) {
            Some(known) => known.clone(),
            None => self.fail(at, "UNKNOWN_NAME", format!("there is no {name}")),
        }
    }

    fn field(&mut self, of: &'a Expr, name: &str) -> Type {
        match self.of(of) {
            Type::Map(value) => *value,
            Type::Wrong => Type::Wrong,
            Type::Object(shape) => {
                let fields = self.env.shapes.get(shape);
                match fields.and_then(|fields| fields.get(name)) {
                    Some(known) => known.clone(),
                    None => {
                        let what = format!("{shape} has no {name}");
                        self.fail(of.at, "UNKNOWN_NAME", what)
                    }
                }
            }
            other => self.mismatch(of.at, format!("{other} has no fields")),
        }
    }

    fn index(&mut self, of: &'a Expr, place: &'a Expr) -> Type {
        match self.of(of) {
            Type::List(part) => {
                self.must_be(place, &Type::Int);
                *part
            }
            Type::Map(value) => {
                self.must_be(place, &Type::Text);
                *value
            }
            Type::Wrong => {
                self.of(place);
                Type::Wrong
            }
            other => {
                self.of(place);
                self.mismatch(of.at, format!("{other} has no places"))
            }
        }
    }

    fn binary(&mut self, op: Op, a: &'a Expr, b: &'a Expr) -> Type {
        let (left, right) = (self.of(a), self.of(b));
        if left == Type::Wrong || right == Type::Wrong {
            return match op {
                Op::Add | Op::Subtract | Op::Multiply | Op::Divide | Op::Remainder => Type::Wrong,
                _ => Type::Bool,
            };
        }
        match of_operation(op, &left, &right) {
            Some(result) => result,
            None => {
                let what = format!("{left} {} {right} cannot be", op.mark());
                self.mismatch(a.at, what)
            }
        }
    }

    fn call(&mut self, at: usize, call: &'a Call) -> Type {
        let args: Vec<Type> = call.args.iter().map(|arg| self.of(arg)).collect();
        let name = call.name.as_str();
        if !functions::is_known(name) {
            return self.fail(at, "UNKNOWN_NAME", format!("there is no function {name}"));
        }
        self.zone(call);
        self.pattern(call);
        let answer = functions::answers(call.is_method, name, &args);
        answer
            .unwrap_or_else(|| self.mismatch(at, format!("{name} does not take what it is given")))
    }

    /// A time zone that is written down must be one.
    fn zone(&mut self, call: &Call) {
        let [_, zone] = call.args.as_slice() else {
            return;
        };
        if call.name.starts_with("get")
            && let Kind::Literal(Literal::Text(name)) = &zone.kind
            && name.parse::<Tz>().is_err()
        {
            let what = "is not a name of the IANA time zone database";
            self.fail(zone.at, "UNKNOWN_TIME_ZONE", what);
        }
    }

    /// A pattern is compiled before anything is known.
    fn pattern(&mut self, call: &Call) {
        if call.name == "matches"
            && call.pattern.is_none()
            && let [_, pattern] = call.args.as_slice()
            && !pattern.is_literal()
        {
            let what = "a pattern must be written down, as in a.matches('^b')";
            self.fail(pattern.at, "PATTERN_NOT_LITERAL", what);
        }
    }

    fn quantified(&mut self, at: usize, quantified: &'a Quantified) -> Type {
        let part = match self.of(&quantified.list) {
            Type::List(part) => *part,
            Type::Wrong => Type::Wrong,
            other => self.mismatch(
                quantified.list.at,
                format!("is {other}, and a list is wanted"),
            ),
        };
        self.locals.push((&quantified.name, part, false));
        self.must_be(&quantified.holds, &Type::Bool);
        let used = self.locals.pop().is_none_or(|(_, _, used)| used);
        if !used {
            let what = format!("{} is not used", quantified.name);
            self.fail(at, "UNUSED_NAME", what);
        }
        Type::Bool
    }
}

/// The type that is both; none when nothing can be.
fn join(a: &Type, b: &Type) -> Option<Type> {
    match (a, b) {
        (Type::Wrong, _) | (_, Type::Wrong) => Some(Type::Wrong),
        (Type::Any, other) | (other, Type::Any) => Some(other.clone()),
        (Type::List(a), Type::List(b)) => Some(Type::List(Box::new(join(a, b)?))),
        (Type::Map(a), Type::Map(b)) => Some(Type::Map(Box::new(join(a, b)?))),
        (a, b) => (a == b).then(|| a.clone()),
    }
}

fn of_operation(op: Op, a: &Type, b: &Type) -> Option<Type> {
    let joined = join(a, b);
    match op {
        Op::Equal | Op::Unequal => joined.map(|_| Type::Bool),
        Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual => match joined? {
            Type::Bool | Type::Int | Type::Double | Type::Text | Type::Time | Type::Any => {
                Some(Type::Bool)
            }
            _ => None,
        },
        Op::In => match b {
            Type::List(part) => join(a, part).map(|_| Type::Bool),
            Type::Map(_) => join(a, &Type::Text).map(|_| Type::Bool),
            _ => None,
        },
        Op::Add => {
            joined.filter(|of| matches!(of, Type::Int | Type::Double | Type::Text | Type::List(_)))
        }
        Op::Subtract | Op::Multiply | Op::Divide => {
            joined.filter(|of| matches!(of, Type::Int | Type::Double))
        }
        Op::Remainder => joined.filter(|of| *of == Type::Int),
    }
}
