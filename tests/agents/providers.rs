//! How each CLI is told that its provider is the model of the test.

use crate::model::Model;
use crate::place::{Cli, Place};
use serde_json::json;

/// A key that opens nothing.
pub(crate) const KEY: &str = "dummy-key-of-the-tests";

impl Place {
    /// Points a CLI to the model; the names of the variables that it has to see for that.
    pub(crate) fn point(&mut self, cli: Cli, model: &Model) -> Vec<&'static str> {
        match cli {
            Cli::Claude => self.claude(model),
            Cli::Codex => self.codex(model),
            Cli::Copilot => self.copilot(model),
            Cli::Gemini => self.gemini(model),
            Cli::Opencode => self.opencode(model),
        }
    }

    fn claude(&mut self, model: &Model) -> Vec<&'static str> {
        let tmp = self.path("tmp").to_string_lossy().into_owned();
        self.see(&[
            ("ANTHROPIC_BASE_URL", &model.url()),
            ("ANTHROPIC_API_KEY", KEY),
            ("CLAUDE_CODE_TMPDIR", &tmp),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
            ("DISABLE_TELEMETRY", "1"),
            ("DISABLE_ERROR_REPORTING", "1"),
            ("DISABLE_AUTOUPDATER", "1"),
        ])
    }

    /// The same for a subscription instead of a key: only that is told when a limit ends.
    pub(crate) fn claude_by_subscription(&mut self, model: &Model) -> Vec<&'static str> {
        let mut env = self.claude(model);
        self.unset("ANTHROPIC_API_KEY");
        env.retain(|name| *name != "ANTHROPIC_API_KEY");
        env.extend(self.see(&[("CLAUDE_CODE_OAUTH_TOKEN", KEY)]));
        env
    }

    fn codex(&mut self, model: &Model) -> Vec<&'static str> {
        let config = format!(
            "model = \"gpt-5.5\"\nmodel_provider = \"scripted\"\n\n[model_providers.scripted]\n\
             name = \"scripted\"\nbase_url = \"{}/v1\"\nenv_key = \"SCRIPTED_API_KEY\"\nwire_api = \"responses\"\n",
            model.url()
        );
        self.write("home/.codex/config.toml", &config);
        self.see(&[("SCRIPTED_API_KEY", KEY)])
    }

    fn copilot(&mut self, model: &Model) -> Vec<&'static str> {
        self.see(&[
            ("COPILOT_OFFLINE", "true"),
            ("COPILOT_AUTO_UPDATE", "false"),
            ("COPILOT_PROVIDER_BASE_URL", &format!("{}/v1", model.url())),
            ("COPILOT_PROVIDER_API_KEY", KEY),
            ("COPILOT_PROVIDER_WIRE_API", "responses"),
            ("COPILOT_MODEL", "gpt-5.4"),
        ])
    }

    /// Has Gemini CLI take the key, which orch does by settings of its own.
    pub(crate) fn choose_gemini_key(&self) {
        let settings = json!({"security": {"auth": {"selectedType": "gemini-api-key"}}});
        self.write("home/.gemini/settings.json", &settings.to_string());
    }

    fn gemini(&mut self, model: &Model) -> Vec<&'static str> {
        self.see(&[
            ("GEMINI_API_KEY", KEY),
            ("GOOGLE_GEMINI_BASE_URL", &model.url()),
            ("GEMINI_CLI_NO_RELAUNCH", "1"),
        ])
    }

    fn opencode(&mut self, model: &Model) -> Vec<&'static str> {
        let config = json!({
            "provider": {"scripted": {
                "npm": "@ai-sdk/openai-compatible",
                "options": {"baseURL": format!("{}/v1", model.url()), "apiKey": KEY},
                "models": {"model-1": {"limit": {"context": 1_000_000, "output": 8_000}}},
            }},
        });
        self.write("home/.config/opencode/opencode.json", &config.to_string());
        self.see(&[
            ("OPENCODE_DISABLE_AUTOUPDATE", "1"),
            ("OPENCODE_DISABLE_MODELS_FETCH", "1"),
            ("OPENCODE_DISABLE_LSP_DOWNLOAD", "1"),
        ])
    }

    fn see(&mut self, variables: &[(&'static str, &str)]) -> Vec<&'static str> {
        for (name, value) in variables {
            self.set(name, value);
        }
        variables.iter().map(|(name, _)| *name).collect()
    }
}
