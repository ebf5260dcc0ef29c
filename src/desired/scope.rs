//! What a stack says outside of its resources (checks, accounts, client sheet), understood as on one instance.
//! Without secrets and facts: what needs those belongs into the desired state.

use super::context::context;
use super::engine::{Engine, RenderError};
use crate::topology::{Instance, Topology};
use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

/// Templates and expressions as one instance understands them.
pub struct Scope {
    engine: Engine,
    context: Json,
}

impl Scope {
    /// The words of an instance.
    pub fn of(topology: &Topology, instance: &Instance) -> Self {
        let context = Json::Object(context(topology, instance, None));
        Self { engine: Engine::new(), context }
    }

    /// Renders a text; `more` are names on top, as an object.
    pub fn text(&self, place: &str, source: &str, more: &Json) -> Result<String, RenderError> {
        self.engine.text(place, source, &self.with(more))
    }

    /// Evaluates a condition; `more` are names on top, as an object.
    pub fn holds(&self, place: &str, expression: &str, more: &Json) -> Result<bool, RenderError> {
        self.engine.holds(place, expression, &self.with(more))
    }

    /// The same value with every string in it rendered.
    pub fn all<T: Serialize + DeserializeOwned>(&self, place: &str, raw: &T) -> Result<T, RenderError> {
        let wrong =
            |error: serde_json::Error| RenderError { place: place.to_owned(), text: error.to_string() };
        let mut value = serde_json::to_value(raw).map_err(wrong)?;
        self.leaves(place, &mut value)?;
        serde_json::from_value(value).map_err(wrong)
    }

    fn leaves(&self, place: &str, value: &mut Json) -> Result<(), RenderError> {
        match value {
            Json::String(text) => *text = self.engine.text(place, text, &self.with(&Json::Null))?,
            Json::Array(items) => items.iter_mut().try_for_each(|item| self.leaves(place, item))?,
            Json::Object(map) => map.values_mut().try_for_each(|item| self.leaves(place, item))?,
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
        Ok(())
    }

    fn with(&self, more: &Json) -> Value {
        let mut all = self.context.clone();
        if let (Some(all), Some(more)) = (all.as_object_mut(), more.as_object()) {
            all.extend(more.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        Value::from(Serde(all))
    }
}
