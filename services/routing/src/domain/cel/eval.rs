//! What an expression comes to.

use std::collections::BTreeMap;

use super::STEPS_MAX;
use super::expr::{Expr, Kind, Literal, Op, Quantified};
use super::functions;
use super::value::Value;

/// What is known, by name.
pub(crate) type Variables = BTreeMap<&'static str, Value>;

/// Why an expression comes to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EvalError {
    #[error("the number is out of range")]
    Overflow,
    #[error("a division by zero")]
    DivisionByZero,
    #[error("there is no such key")]
    NoSuchKey,
    #[error("a key is there twice")]
    DuplicateKey,
    #[error("the list has no such place")]
    NoSuchPlace,
    #[error("{0} is not known")]
    Unknown(String),
    #[error("the time is malformed")]
    MalformedTime,
    #[error("there is no such time zone")]
    UnknownZone,
    #[error("the operation does not take what it is given")]
    NoOverload,
    #[error("it takes too many steps")]
    Spent,
}

/// What a part of an expression came to.
#[derive(Clone, Debug)]
pub(crate) struct Traced {
    /// The part, as one could have written it.
    pub(crate) part: String,
    pub(crate) value: Result<Value, EvalError>,
}

/// Parts told of one evaluation at most.
const TRACED_MAX: usize = 64;

/// Evaluates with at most [`STEPS_MAX`] of the steps that are left, and takes those it needs.
pub(crate) fn evaluate(
    expr: &Expr,
    variables: &Variables,
    steps_left: &mut u32,
) -> Result<Value, EvalError> {
    let mut machine = Machine::new(variables, *steps_left);
    let value = machine.of(expr);
    *steps_left -= machine.steps_taken();
    value
}

/// Evaluates likewise and tells what each part came to, in the order in which that was known; of the parts of a macro's
/// condition only what the macro came to.
pub(crate) fn explain(
    expr: &Expr,
    variables: &Variables,
    steps_left: &mut u32,
) -> (Result<Value, EvalError>, Vec<Traced>) {
    let mut machine = Machine::new(variables, *steps_left);
    machine.trace = Some(Vec::new());
    let value = machine.of(expr);
    *steps_left -= machine.steps_taken();
    (value, machine.trace.unwrap_or_default())
}

/// What an expression comes to whatever is known, if that can be told.
pub(crate) fn constant(expr: &Expr) -> Option<bool> {
    match evaluate(expr, &Variables::new(), &mut { STEPS_MAX }) {
        Ok(Value::Bool(value)) => Some(value),
        _ => None,
    }
}

struct Machine<'a> {
    variables: &'a Variables,
    /// The names that macros bind, the innermost last.
    locals: Vec<(&'a str, Value)>,
    steps_granted: u32,
    steps_left: u32,
    /// None when nobody asks, or within the condition of a macro.
    trace: Option<Vec<Traced>>,
}

type Evaluated = Result<Value, EvalError>;

impl<'a> Machine<'a> {
    fn new(variables: &'a Variables, steps_left: u32) -> Self {
        let granted = steps_left.min(STEPS_MAX);
        Self {
            variables,
            locals: Vec::new(),
            steps_granted: granted,
            steps_left: granted,
            trace: None,
        }
    }

    const fn steps_taken(&self) -> u32 {
        self.steps_granted - self.steps_left
    }

    fn spend(&mut self, steps: usize) -> Result<(), EvalError> {
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        match self.steps_left.checked_sub(steps) {
            Some(left) => {
                self.steps_left = left;
                Ok(())
            }
            None => {
                // Once spent, spent for all that is still to come.
                self.steps_left = 0;
                Err(EvalError::Spent)
            }
        }
    }

    fn of(&mut self, expr: &'a Expr) -> Evaluated {
        self.spend(1)?;
        let value = self.part(expr);
        if let Some(trace) = &mut self.trace
            && trace.len() < TRACED_MAX
            && !expr.is_literal()
        {
            trace.push(Traced {
                part: expr.to_string(),
                value: value.clone(),
            });
        }
        value
    }

    fn part(&mut self, expr: &'a Expr) -> Evaluated {
        match &expr.kind {
            Kind::Literal(literal) => Ok(match literal {
                Literal::Bool(value) => Value::Bool(*value),
                Literal::Int(number) => Value::Int(*number),
                Literal::Double(number) => Value::Double(*number),
                Literal::Text(text) => Value::text(text.as_str()),
            }),
            Kind::Name(name) => self.name(name),
            Kind::Field(of, name) => field(&self.of(of)?, name),
            Kind::Has(of, name) => has(&self.of(of)?, name),
            Kind::Index(of, place) => {
                let (of, place) = (self.of(of)?, self.of(place)?);
                index(&of, &place)
            }
            Kind::List(parts) => {
                let parts: Result<Vec<Value>, _> = parts.iter().map(|part| self.of(part)).collect();
                Ok(Value::List(parts?.into()))
            }
            Kind::Map(entries) => self.map(entries),
            Kind::Not(of) => match self.of(of)? {
                Value::Bool(value) => Ok(Value::Bool(!value)),
                _ => Err(EvalError::NoOverload),
            },
            Kind::Negate(of) => match self.of(of)? {
                Value::Int(number) => number
                    .checked_neg()
                    .map(Value::Int)
                    .ok_or(EvalError::Overflow),
                Value::Double(number) => Ok(Value::Double(-number)),
                _ => Err(EvalError::NoOverload),
            },
            Kind::And(parts) => self.decided(parts, false),
            Kind::Or(parts) => self.decided(parts, true),
            Kind::Binary(op, a, b) => {
                let (a, b) = (self.of(a)?, self.of(b)?);
                self.binary(*op, &a, &b)
            }
            Kind::Choose(parts) => {
                let [when, this, that] = parts.as_ref();
                match self.of(when)? {
                    Value::Bool(true) => self.of(this),
                    Value::Bool(false) => self.of(that),
                    _ => Err(EvalError::NoOverload),
                }
            }
            Kind::Call(call) => {
                let args: Result<Vec<Value>, _> =
                    call.args.iter().map(|arg| self.of(arg)).collect();
                let args = args?;
                self.spend(args.iter().map(Value::weight).sum())?;
                match &call.pattern {
                    Some(pattern) => {
                        self.spend(pattern.weight(&args))?;
                        pattern.call(&args)
                    }
                    None => functions::call(&call.name, &args),
                }
            }
            Kind::Quantified(quantified) => self.quantified(quantified),
        }
    }

    fn name(&self, name: &str) -> Evaluated {
        let local = self.locals.iter().rev().find(|local| local.0 == name);
        let known = local.map(|(_, value)| value);
        let known = known.or_else(|| self.variables.get(name));
        known
            .cloned()
            .ok_or_else(|| EvalError::Unknown(name.to_owned()))
    }

    fn map(&mut self, entries: &'a [(Expr, Expr)]) -> Evaluated {
        let mut map = BTreeMap::new();
        for (key, value) in entries {
            let Value::Text(key) = self.of(key)? else {
                return Err(EvalError::NoOverload);
            };
            let value = self.of(value)?;
            if map.insert(key, value).is_some() {
                return Err(EvalError::DuplicateKey);
            }
        }
        Ok(Value::Map(map.into()))
    }

    /// A chain that one `decisive` part decides, whatever is wrong with the others.
    fn decided(&mut self, parts: &'a [Expr], decisive: bool) -> Evaluated {
        let mut verdict = Ok(Value::Bool(!decisive));
        for part in parts {
            let value = self.of(part);
            if weigh(value, decisive, &mut verdict)? {
                return Ok(Value::Bool(decisive));
            }
        }
        verdict
    }

    fn quantified(&mut self, quantified: &'a Quantified) -> Evaluated {
        let Value::List(parts) = self.of(&quantified.list)? else {
            return Err(EvalError::NoOverload);
        };
        let decisive = !quantified.all;
        let mut verdict = Ok(Value::Bool(!decisive));
        let trace = self.trace.take();
        let mut decided = Ok(false);
        for part in parts.iter() {
            self.locals.push((&quantified.name, part.clone()));
            let value = self.of(&quantified.holds);
            self.locals.pop();
            decided = weigh(value, decisive, &mut verdict);
            if !matches!(decided, Ok(false)) {
                break;
            }
        }
        self.trace = trace;
        match decided? {
            true => Ok(Value::Bool(decisive)),
            false => verdict,
        }
    }

    fn binary(&mut self, op: Op, a: &Value, b: &Value) -> Evaluated {
        if matches!((a, b), (Value::Int(_), Value::Int(_))) {
            return integers(op, a, b);
        }
        self.spend(a.weight() + b.weight())?;
        let ordered = |holds: fn(std::cmp::Ordering) -> bool| match (a, b) {
            // No order, as of what is no number: nothing holds.
            (Value::Double(_), Value::Double(_)) => Ok(Value::Bool(a.order(b).is_some_and(holds))),
            _ => a
                .order(b)
                .map(|order| Value::Bool(holds(order)))
                .ok_or(EvalError::NoOverload),
        };
        match op {
            Op::Equal => Ok(Value::Bool(a.equals(b))),
            Op::Unequal => Ok(Value::Bool(!a.equals(b))),
            Op::Less => ordered(std::cmp::Ordering::is_lt),
            Op::LessOrEqual => ordered(std::cmp::Ordering::is_le),
            Op::Greater => ordered(std::cmp::Ordering::is_gt),
            Op::GreaterOrEqual => ordered(std::cmp::Ordering::is_ge),
            Op::In => within(a, b),
            Op::Add | Op::Subtract | Op::Multiply | Op::Divide | Op::Remainder => joined(op, a, b),
        }
    }
}

/// Takes one part into a verdict; answers whether it decides. Only an evaluation that is over ends it.
fn weigh(value: Evaluated, decisive: bool, verdict: &mut Evaluated) -> Result<bool, EvalError> {
    let error = match value {
        Ok(Value::Bool(value)) if value == decisive => return Ok(true),
        Ok(Value::Bool(_)) => return Ok(false),
        Ok(_) => EvalError::NoOverload,
        Err(EvalError::Spent) => return Err(EvalError::Spent),
        Err(error) => error,
    };
    if verdict.is_ok() {
        *verdict = Err(error);
    }
    Ok(false)
}

fn field(of: &Value, name: &str) -> Evaluated {
    match of {
        Value::Object(fields) => fields.get(name).cloned().ok_or(EvalError::NoSuchKey),
        Value::Map(entries) => entries.get(name).cloned().ok_or(EvalError::NoSuchKey),
        _ => Err(EvalError::NoOverload),
    }
}

fn has(of: &Value, name: &str) -> Evaluated {
    match of {
        Value::Object(fields) => {
            let known = fields.get(name).is_some_and(|value| !value.is_nothing());
            Ok(Value::Bool(known))
        }
        Value::Map(entries) => Ok(Value::Bool(entries.contains_key(name))),
        _ => Err(EvalError::NoOverload),
    }
}

fn index(of: &Value, place: &Value) -> Evaluated {
    match (of, place) {
        (Value::List(parts), Value::Int(place)) => {
            let place = usize::try_from(*place).map_err(|_| EvalError::NoSuchPlace)?;
            parts.get(place).cloned().ok_or(EvalError::NoSuchPlace)
        }
        (Value::Map(entries), Value::Text(key)) => {
            entries.get(key).cloned().ok_or(EvalError::NoSuchKey)
        }
        _ => Err(EvalError::NoOverload),
    }
}

fn within(a: &Value, b: &Value) -> Evaluated {
    match (a, b) {
        (_, Value::List(parts)) => Ok(Value::Bool(parts.iter().any(|part| part.equals(a)))),
        (Value::Text(key), Value::Map(entries)) => Ok(Value::Bool(entries.contains_key(key))),
        _ => Err(EvalError::NoOverload),
    }
}

fn integers(op: Op, a: &Value, b: &Value) -> Evaluated {
    let (Value::Int(a), Value::Int(b)) = (a, b) else {
        return Err(EvalError::NoOverload);
    };
    if *b == 0 && matches!(op, Op::Divide | Op::Remainder) {
        return Err(EvalError::DivisionByZero);
    }
    let number = match op {
        Op::Equal => return Ok(Value::Bool(a == b)),
        Op::Unequal => return Ok(Value::Bool(a != b)),
        Op::Less => return Ok(Value::Bool(a < b)),
        Op::LessOrEqual => return Ok(Value::Bool(a <= b)),
        Op::Greater => return Ok(Value::Bool(a > b)),
        Op::GreaterOrEqual => return Ok(Value::Bool(a >= b)),
        Op::In => return Err(EvalError::NoOverload),
        Op::Add => a.checked_add(*b),
        Op::Subtract => a.checked_sub(*b),
        Op::Multiply => a.checked_mul(*b),
        Op::Divide => a.checked_div(*b),
        Op::Remainder => a.checked_rem(*b),
    };
    number.map(Value::Int).ok_or(EvalError::Overflow)
}

fn joined(op: Op, a: &Value, b: &Value) -> Evaluated {
    match (op, a, b) {
        (Op::Add, Value::Text(a), Value::Text(b)) => Ok(Value::text(format!("{a}{b}"))),
        (Op::Add, Value::List(a), Value::List(b)) => {
            Ok(Value::List(a.iter().chain(b.iter()).cloned().collect()))
        }
        (op, Value::Double(a), Value::Double(b)) => Ok(Value::Double(match op {
            Op::Add => a + b,
            Op::Subtract => a - b,
            Op::Multiply => a * b,
            Op::Divide => a / b,
            _ => return Err(EvalError::NoOverload),
        })),
        _ => Err(EvalError::NoOverload),
    }
}
