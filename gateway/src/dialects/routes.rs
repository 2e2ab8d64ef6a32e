//! Which RPC a path of the JSON interface means, read from `google.api.http` in the contracts.
//!
//! The grammar is the part of `google/api/http.proto` that the contracts use: literal segments, variables of one
//! segment, a verb behind a colon. A method without an annotation, or two that the same request could mean, keep the
//! gateway from starting.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use http::Method as Verb;
use percent_encoding::percent_decode_str;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor, Value};

use crate::policy::{self, Method, Policies};
use crate::protection::Protections;

/// An RPC as the JSON interface sees it.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) rpc: MethodDescriptor,
    /// Its path on the gRPC wire, and what is demanded of its callers.
    pub(super) method: Arc<Method>,
    pub(super) verb: Verb,
    pub(super) template: String,
    /// Whether the request is a body; else it is in the query.
    pub(super) has_body: bool,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    /// A field of the request.
    Variable(String),
}

/// A matched path: the RPC, and the fields of its request that the path names.
pub(super) struct Matched {
    pub(super) route: Arc<Route>,
    pub(super) variables: Vec<(String, String)>,
}

/// Why no route was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unmatched {
    /// No resource has this path.
    Path,
    /// The path is there, with these verbs.
    Verb(Vec<Verb>),
    /// A variable is not text.
    Encoding,
}

/// What routes have in common that one path may mean: number of segments and the verb behind the colon.
type Shape = (usize, String);

/// Every RPC that callers from outside may know of.
#[derive(Debug)]
pub(super) struct Routes {
    by_shape: HashMap<Shape, Vec<Arc<Route>>>,
    by_rpc: HashMap<String, Arc<Route>>,
}

impl Routes {
    /// Reads the table.
    ///
    /// # Errors
    /// Every method whose annotation is missing, malformed or ambiguous.
    pub(super) fn read(pool: &DescriptorPool, policies: &Policies) -> Result<Self, Vec<String>> {
        let mut table = Self {
            by_shape: HashMap::new(),
            by_rpc: HashMap::new(),
        };
        let mut faults = Vec::new();
        for service in pool.services() {
            for rpc in service.methods() {
                let Some(method) = policies.find(&policy::path_of(&rpc), Protections::default())
                else {
                    continue;
                };
                let route = Route::read(rpc, Arc::clone(method));
                if let Err(fault) = route.and_then(|route| table.add(route)) {
                    faults.push(format!("{}: {fault}", method.path));
                }
            }
        }
        if faults.is_empty() {
            Ok(table)
        } else {
            Err(faults)
        }
    }

    fn add(&mut self, route: Route) -> Result<(), String> {
        let (_, colon) = split_verb(&route.template);
        let shape = (route.segments.len(), colon.to_owned());
        let alike = self.by_shape.entry(shape).or_default();
        if let Some(twin) = alike.iter().find(|other| other.is_as_specific_as(&route)) {
            return Err(format!("{} means {} too", route.template, twin.method.path));
        }
        let route = Arc::new(route);
        alike.push(Arc::clone(&route));
        // Literals first: `/v1/a/b` is not `/v1/a/{id}`.
        alike.sort_by_key(|route| route.variables().count());
        self.by_rpc.insert(route.method.path.clone(), route);
        Ok(())
    }

    /// The RPC with this path on the gRPC wire.
    pub(super) fn rpc(&self, path: &str) -> Option<&Arc<Route>> {
        self.by_rpc.get(path)
    }

    /// All of them, by their templates.
    pub(super) fn all(&self) -> Vec<&Arc<Route>> {
        let mut all: Vec<_> = self.by_rpc.values().collect();
        all.sort_by(|a, b| (&a.template, a.verb.as_str()).cmp(&(&b.template, b.verb.as_str())));
        all
    }

    /// What a request for a path means.
    pub(super) fn find(&self, verb: &Verb, path: &str) -> Result<Matched, Unmatched> {
        let (plain, colon) = split_verb(path);
        let segments: Vec<&str> = plain.split('/').skip(1).collect();
        let shape = (segments.len(), colon.to_owned());
        let alike = self.by_shape.get(&shape).map_or(&[][..], Vec::as_slice);
        let fitting = || alike.iter().filter(|route| route.fits(&segments));
        if let Some(route) = fitting().find(|route| route.verb == *verb) {
            return Ok(Matched {
                route: Arc::clone(route),
                variables: route.bind(&segments).ok_or(Unmatched::Encoding)?,
            });
        }
        let others: BTreeSet<&str> = fitting().map(|route| route.verb.as_str()).collect();
        if others.is_empty() {
            return Err(Unmatched::Path);
        }
        let verbs = others.into_iter().filter_map(|verb| verb.parse().ok());
        Err(Unmatched::Verb(verbs.collect()))
    }
}

impl Route {
    fn read(rpc: MethodDescriptor, method: Arc<Method>) -> Result<Self, String> {
        let rule = annotation(&rpc).ok_or("it has no google.api.http annotation")?;
        let (verb, template) = pattern(&rule).ok_or("its annotation names no path")?;
        let body = text(&rule, "body");
        let has_body = match body.as_str() {
            "" => false,
            "*" => true,
            _ => return Err("its body is neither \"*\" nor empty".to_owned()),
        };
        let (plain, _) = split_verb(&template);
        let segments: Vec<Segment> = plain
            .strip_prefix('/')
            .ok_or("its path does not begin with a slash")?
            .split('/')
            .map(|segment| parse_segment(segment, &rpc.input()))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            rpc,
            method,
            verb,
            template,
            has_body,
            segments,
        })
    }

    /// The fields of the request that the path names.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Variable(field) => Some(field.as_str()),
            Segment::Literal(_) => None,
        })
    }

    /// Whether one request could mean either, and neither is the better guess.
    fn is_as_specific_as(&self, other: &Self) -> bool {
        self.verb == other.verb
            && self.segments.len() == other.segments.len()
            && self
                .segments
                .iter()
                .zip(&other.segments)
                .all(|pair| match pair {
                    (Segment::Literal(a), Segment::Literal(b)) => a == b,
                    (Segment::Variable(_), Segment::Variable(_)) => true,
                    _ => false,
                })
    }

    fn fits(&self, segments: &[&str]) -> bool {
        self.segments.len() == segments.len()
            && self.segments.iter().zip(segments).all(|pair| match pair {
                (Segment::Literal(literal), segment) => literal == segment,
                (Segment::Variable(_), segment) => !segment.is_empty(),
            })
    }

    fn bind(&self, segments: &[&str]) -> Option<Vec<(String, String)>> {
        let mut bound = Vec::new();
        for pair in self.segments.iter().zip(segments) {
            if let (Segment::Variable(field), segment) = pair {
                let value = percent_decode_str(segment).decode_utf8().ok()?;
                bound.push((field.clone(), value.into_owned()));
            }
        }
        Some(bound)
    }
}

/// `/v1/customers/{customer_id}:merge` → (`/v1/customers/{customer_id}`, `merge`).
fn split_verb(path: &str) -> (&str, &str) {
    let last = path.rfind('/').unwrap_or(0);
    match path.get(last..).and_then(|segment| segment.rfind(':')) {
        Some(colon) => path
            .split_at_checked(last + colon)
            .map_or((path, ""), |(plain, verb)| {
                (plain, verb.trim_start_matches(':'))
            }),
        None => (path, ""),
    }
}

fn parse_segment(segment: &str, request: &MessageDescriptor) -> Result<Segment, String> {
    let Some(field) = segment
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
    else {
        let plain = segment
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        return match plain && !segment.is_empty() {
            true => Ok(Segment::Literal(segment.to_owned())),
            false => Err(format!(
                "the segment {segment:?} of its path is not understood"
            )),
        };
    };
    match request.get_field_by_name(field) {
        Some(_) => Ok(Segment::Variable(field.to_owned())),
        None => Err(format!("its request has no field {field}")),
    }
}

fn annotation(rpc: &MethodDescriptor) -> Option<DynamicMessage> {
    let extension = rpc.parent_pool().get_extension_by_name("google.api.http")?;
    let options = rpc.options();
    if !options.has_extension(&extension) {
        return None;
    }
    match options.get_extension(&extension).as_ref() {
        Value::Message(rule) => Some(rule.clone()),
        _ => None,
    }
}

fn pattern(rule: &DynamicMessage) -> Option<(Verb, String)> {
    [
        (Verb::GET, "get"),
        (Verb::PUT, "put"),
        (Verb::POST, "post"),
        (Verb::DELETE, "delete"),
        (Verb::PATCH, "patch"),
    ]
    .into_iter()
    .map(|(verb, field)| (verb, text(rule, field)))
    .find(|(_, template)| !template.is_empty())
}

fn text(rule: &DynamicMessage, field: &str) -> String {
    rule.get_field_by_name(field)
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    fn routes() -> Routes {
        let pool = rapport_proto::pool();
        Routes::read(pool, &Policies::read(pool).unwrap()).unwrap()
    }

    fn found(verb: Verb, path: &str) -> (String, Vec<(String, String)>) {
        let matched = routes().find(&verb, path).ok().unwrap();
        (matched.route.rpc.name().to_owned(), matched.variables)
    }

    fn bound(field: &str, value: &str) -> (String, String) {
        (field.to_owned(), value.to_owned())
    }

    #[test]
    fn every_method_that_callers_may_know_of_has_a_path_of_its_own() {
        let policies = Policies::read(rapport_proto::pool()).unwrap();
        let open = policies.all().filter(|method| !method.internal).count();
        assert_eq!(routes().all().len(), open);
    }

    #[test]
    fn a_path_means_the_method_it_is_annotated_with() {
        assert_eq!(
            found(Verb::GET, "/v1/customers/cus_1"),
            ("GetCustomer".into(), vec![bound("customer_id", "cus_1")])
        );
        assert_eq!(
            found(Verb::POST, "/v1/customers/cus_1:merge"),
            ("MergeCustomers".into(), vec![bound("customer_id", "cus_1")])
        );
        assert_eq!(
            found(Verb::POST, "/v1/customers:resolve"),
            ("ResolveCustomer".into(), vec![])
        );
        assert_eq!(
            found(Verb::GET, "/v1/customers/a%2Fb%20c/timeline").1,
            [bound("customer_id", "a/b c")]
        );
    }

    #[test]
    fn what_is_no_path_of_ours_is_told_from_a_wrong_verb() {
        let routes = routes();
        let missed = |verb, path| routes.find(&verb, path).err().unwrap();
        for path in [
            "/",
            "",
            "/v1",
            "/v1/customers/",
            "/v1/customers//timeline",
            "/v2/customers",
            "/v1/nothing",
        ] {
            assert_eq!(missed(Verb::GET, path), Unmatched::Path, "{path}");
        }
        assert_eq!(
            missed(Verb::PUT, "/v1/customers"),
            Unmatched::Verb(vec![Verb::GET, Verb::POST])
        );
        assert_eq!(missed(Verb::GET, "/v1/customers/%ff"), Unmatched::Encoding);
        // What only services may call has no path.
        assert_eq!(
            missed(Verb::GET, "/v1/profiles/log:watchHeads"),
            Unmatched::Path
        );
    }
}
