//! The world: what a request, an object or a test runs in.

use std::rc::Rc;

use crate::config::Config;
use crate::ports::{Kv, Limiter, Objects, Ports};

/// Everything that the Worker may touch, as one value: the ports, and the configuration.
#[derive(Clone)]
pub struct World {
    /// The configuration of this deployment.
    pub config: Rc<Config>,
    /// HTTP, time, randomness and the log.
    pub ports: Ports,
    /// The `GRANTS` namespace.
    pub kv: Rc<dyn Kv>,
    /// Durable Objects.
    pub objects: Rc<dyn Objects>,
    /// Rate limits.
    pub limiter: Rc<dyn Limiter>,
}
