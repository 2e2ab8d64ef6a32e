//! May they?

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use rapport_foundation::role::Role;
use tonic::body::Body;
use tower::Service;

use super::{Answer, refuse};
use crate::auth::Caller;
use crate::error::Rejection;
use crate::policy::{Method, Policies};
use crate::protection::{Protection, Protections};
use crate::proxy::Target;

#[derive(Clone)]
pub(super) struct AuthoriseLayer {
    pub(super) policies: Policies,
    pub(super) protections: Protections,
}

impl<S> tower::Layer<S> for AuthoriseLayer {
    type Service = Authorise<S>;

    fn layer(&self, inner: S) -> Authorise<S> {
        Authorise {
            inner,
            rules: self.clone(),
        }
    }
}

#[derive(Clone)]
pub(super) struct Authorise<S> {
    inner: S,
    rules: AuthoriseLayer,
}

impl AuthoriseLayer {
    fn decide(&self, request: &Request<Body>) -> Result<Target, Rejection> {
        let path = request.uri().path();
        // Without a caller the layer before was left out: nobody is let through.
        let caller: &Caller = request
            .extensions()
            .get()
            .ok_or(Rejection::Unauthenticated)?;
        match self.policies.find(path, self.protections) {
            Some(method) => {
                permit(caller, method, self.protections).map(|()| Target(Arc::clone(method)))
            }
            None => Err(Rejection::MethodUnknown),
        }
    }
}

/// Whether a caller may call a method: the token names its scope, or one of the roles that hold it here.
pub(super) fn permit(
    caller: &Caller,
    method: &Method,
    protections: Protections,
) -> Result<(), Rejection> {
    let held = caller.roles.meets(method.roles) || caller.context.has_scope(&method.scope);
    if !held && protections.on(Protection::Scope) {
        return Err(Rejection::ScopeMissing {
            scope: method.scope.clone(),
        });
    }
    // What only operators hold is about the installation, and no credential of a tenant reaches it, whatever it says.
    if method.is_of_the_installation()
        && !caller.is_tenantless()
        && protections.on(Protection::Scope)
    {
        return Err(Rejection::ScopeMissing {
            scope: method.scope.clone(),
        });
    }
    // What the gateway serves itself is about tenants; everything else is inside one.
    let outside = caller.is_tenantless() && method.upstream != Role::Gateway;
    if outside && protections.on(Protection::TenantRequired) {
        return Err(Rejection::TenantRequired);
    }
    Ok(())
}

impl<S> Service<Request<Body>> for Authorise<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Answer {
        match self.rules.decide(&request) {
            Ok(target) => {
                request.extensions_mut().insert(target);
                Box::pin(self.inner.call(request))
            }
            Err(rejection) => refuse(rejection),
        }
    }
}
