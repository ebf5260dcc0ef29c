# imctl's own work. `make demo` shows it, `make test` proves it; both want root on Debian, as a lab does.

.PHONY: build demo test soak lint clean

build:
	cargo build --locked --release

# Six throw-away hosts on this machine, planned, installed and proved.
demo:
	tests/demo.sh

# Unit, golden and house tests, then one end-to-end run per verb on lab hosts.
test:
	tests/run.sh

# Long runs: SECONDS_GIVEN=3600 SEED=7 make soak. A second call goes on where the first ended.
soak:
	tests/soak.sh

lint:
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings

clean:
	cargo clean
