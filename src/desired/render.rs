//! From a stack's resources and hooks to final ones: every string leaf rendered, templates read in.

use super::engine::{Engine, RenderError};
use crate::base::{HostName, duration};
use crate::resource::Resource;
use crate::stack::{Hook, Stack};
use minijinja::Value;
use serde_json::Value as Json;
use std::time::Duration;

/// A hook as it will run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedHook {
    /// One line for the plan.
    pub about: String,
    /// Host it runs on.
    pub on: HostName,
    /// POSIX sh; may hold secrets.
    pub script: String,
    /// A script whose status 0 means that there is nothing to do.
    pub unless: Option<String>,
    /// Limit for all tries together.
    pub within: Duration,
}

/// The hooks of an instance; each list is one script a host, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RenderedHooks {
    /// Before it is disturbed.
    pub drain: Vec<RenderedHook>,
    /// After it is well again.
    pub undrain: Vec<RenderedHook>,
    /// Before its first start.
    pub join: Vec<RenderedHook>,
    /// Proof that it is well.
    pub health: Vec<RenderedHook>,
    /// When it leaves.
    pub leave: Vec<RenderedHook>,
    /// When it leaves and its host is dead.
    pub forget: Vec<RenderedHook>,
}

/// How much of a resource is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// What names it and what is looked at: before the look.
    Identity,
    /// Everything.
    Whole,
}

/// Fields that may use facts and secrets; they are left empty in an identity.
const CONTENT: [&str; 5] = ["content", "template", "script", "validate", "values"];

/// Renders resources of one instance.
pub(super) struct Renderer<'a> {
    pub(super) engine: &'a Engine,
    pub(super) stack: &'a Stack,
    pub(super) place: String,
}

impl Renderer<'_> {
    /// The final resource, or none when its condition does not hold.
    pub(super) fn resource(
        &self,
        raw: &Resource,
        context: &Value,
        depth: Depth,
    ) -> Result<Option<Resource>, RenderError> {
        let place = format!("{}, {}", self.place, raw.id());
        if let Some(condition) = raw.kind().when()
            && !self.engine.holds(&place, condition, context)?
        {
            return Ok(None);
        }
        let wrong = |error: serde_json::Error| RenderError { place: place.clone(), text: error.to_string() };
        let mut value = serde_json::to_value(raw).map_err(wrong)?;
        if let Some(fields) =
            value.as_object_mut().and_then(|it| it.values_mut().next()).and_then(Json::as_object_mut)
        {
            fields.remove("when");
            match depth {
                Depth::Identity => blank(fields),
                Depth::Whole => self.read_template(fields, &place, context)?,
            }
            for (key, field) in fields.iter_mut().filter(|(key, _)| *key != "content-done") {
                self.leaves(field, &format!("{place}, {key}"), context)?;
            }
            if let Some(done) = fields.remove("content-done") {
                fields.insert(done_key(raw).to_owned(), done);
            }
        }
        serde_json::from_value(value).map(Some).map_err(wrong)
    }

    /// Puts the rendered template in the place of its name.
    fn read_template(
        &self,
        fields: &mut serde_json::Map<String, Json>,
        place: &str,
        context: &Value,
    ) -> Result<(), RenderError> {
        let Some(name) = fields.get("template").and_then(Json::as_str).map(str::to_owned) else {
            return Ok(());
        };
        let missing =
            || RenderError { place: place.to_owned(), text: format!("template `{name}` is missing") };
        let source = self.stack.text(&name).ok_or_else(missing)?;
        let text = self.engine.text(&name, source, context)?;
        fields.insert("template".to_owned(), Json::Null);
        fields.insert("content-done".to_owned(), Json::String(text));
        Ok(())
    }

    fn leaves(&self, value: &mut Json, place: &str, context: &Value) -> Result<(), RenderError> {
        match value {
            Json::String(text) => *text = self.engine.text(place, text, context)?,
            Json::Array(items) => {
                for item in items {
                    self.leaves(item, place, context)?;
                }
            }
            Json::Object(map) => {
                for item in map.values_mut() {
                    self.leaves(item, place, context)?;
                }
            }
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
        Ok(())
    }

    /// The final hook for the host `on`, or none when its condition does not hold.
    pub(super) fn hook(
        &self,
        hook: &Hook,
        on: &HostName,
        context: &Value,
    ) -> Result<Option<RenderedHook>, RenderError> {
        let place = format!("{}, hook `{}`", self.place, hook.about);
        if let Some(condition) = &hook.when
            && !self.engine.holds(&place, condition, context)?
        {
            return Ok(None);
        }
        let within = duration(&hook.within)
            .map_err(|error| RenderError { place: place.clone(), text: error.to_string() })?;
        let script = self.script(&hook.script, &place, context)?;
        let unless = hook.unless.as_ref().map(|text| self.script(text, &place, context)).transpose()?;
        let about = self.engine.text(&place, &hook.about, context)?;
        Ok(Some(RenderedHook { about, on: on.clone(), script, unless, within }))
    }

    fn script(&self, text: &str, place: &str, context: &Value) -> Result<String, RenderError> {
        let Some(file) = text.strip_prefix('@') else { return self.engine.text(place, text, context) };
        let missing = || RenderError { place: place.to_owned(), text: format!("script `{file}` is missing") };
        self.engine.text(file, self.stack.text(file).ok_or_else(missing)?, context)
    }
}

/// The field that a template fills.
fn done_key(raw: &Resource) -> &'static str {
    match raw {
        Resource::Command(_) => "script",
        _ => "content",
    }
}

fn blank(fields: &mut serde_json::Map<String, Json>) {
    for key in CONTENT {
        match fields.get_mut(key) {
            Some(Json::Object(map)) => {
                for value in map.values_mut() {
                    *value = Json::String(String::new());
                }
            }
            Some(field) if !field.is_null() => *field = Json::String(String::new()),
            _ => {}
        }
    }
}
