//! May they?

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use rapport_foundation::role::Role;
use tonic::body::Body;
use tower::Service;

use super::find::Found;
use super::{Answer, refuse};
use crate::auth::Caller;
use crate::error::Rejection;
use crate::policy::Method;
use crate::protection::{Protection, Protections};
use crate::proxy::Target;

#[derive(Clone)]
pub(super) struct AuthoriseLayer(pub(super) Protections);

impl<S> tower::Layer<S> for AuthoriseLayer {
    type Service = Authorise<S>;

    fn layer(&self, inner: S) -> Authorise<S> {
        Authorise {
            inner,
            protections: self.0,
        }
    }
}

#[derive(Clone)]
pub(super) struct Authorise<S> {
    inner: S,
    protections: Protections,
}

fn decide(request: &Request<Body>, protections: Protections) -> Result<Target, Rejection> {
    let extensions = request.extensions();
    // Without a caller the layer before was left out: nobody is let through.
    let caller: &Caller = extensions.get().ok_or(Rejection::Unauthenticated)?;
    let Found(method) = extensions.get().ok_or(Rejection::MethodUnknown)?;
    permit(caller, method, protections).map(|()| Target(Arc::clone(method)))
}

/// Whether a caller may call a method: the token names its scope, or one of the roles that hold it here.
pub(super) fn permit(
    caller: &Caller,
    method: &Method,
    protections: Protections,
) -> Result<(), Rejection> {
    // What only operators hold is about the installation, and no credential of a tenant reaches it, whatever it says.
    let out_of_reach = method.is_of_the_installation() && !caller.is_tenantless();
    let held = caller.roles.meets(method.roles) || caller.context.has_scope(&method.scope);
    if (out_of_reach || !held) && protections.on(Protection::Scope) {
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
        match decide(&request, self.protections) {
            Ok(target) => {
                request.extensions_mut().insert(target);
                Box::pin(self.inner.call(request))
            }
            Err(rejection) => refuse(rejection),
        }
    }
}
