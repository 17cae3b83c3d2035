#!/usr/bin/env bash
# What netc does on a GPU, in under nine minutes, on a machine without network: `bash tests/gpu_day.sh [OUT [PIECE...]]`.
#
#     machine    the GPU, its driver, the versions
#     tests      tests/test_cuda_gpu.py: what the CPU does                     \
#     sanitizer  small kernels under the four tools of compute-sanitizer        } side by side
#     agreement  every contender of the bench against netc on the CPU          /
#     bench      the bench of docs/performance.md: prepared beside the others, measured alone
#     windows    LeNet-1 beside PyTorch, at the end
#
# Needs Python ($PYTHON, or python3) with netc's dependencies, numba-cuda and pytest. PyTorch and JAX take part where they
# are installed, nvidia-smi and compute-sanitizer where they are on the PATH. A piece that fails or takes too long leaves
# the others alone. Everything is printed and written at once: OUT/log, OUT/found.jsonl, and at the end the tables of the
# documents, OUT/report.md and OUT/report.json. ROWS chooses the rows of the bench, LIMIT the seconds of it all, EACH those of
# a piece. With NUMBA_ENABLE_CUDASIM=1 what needs a GPU is skipped, and the rest is tried.
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
out=$(mkdir -p "${1:-gpu-day}" && cd "${1:-gpu-day}" && pwd)
shift || true
pieces=" ${*:-machine tests sanitizer agreement bench windows} "
python=${PYTHON:-python3} limit=${LIMIT:-520} each=${EACH:-170} simulated=${NUMBA_ENABLE_CUDASIM:-0}
IFS='|' read -r -a rows <<<"${ROWS:-"MNIST 784-24-10, batch 256|1e4 networks, f32|benchmark 1, gd, 1e6|1e4 networks, f64|\
benchmark 2, gd, 1e6|MNIST 784-24-10, batch full|1e2 networks, f32|benchmark 1, gd, 1e8|1e5 networks, f32"}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: >"$out/found.jsonl"
: >"$out/log"

export PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$root/tests${PYTHONPATH:+:$PYTHONPATH}
export NETC_CACHE=$work/netc TORCHINDUCTOR_CACHE_DIR=$work/inductor TRITON_CACHE_DIR=$work/triton
export JAX_COMPILATION_CACHE_DIR=$work/jax JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0 XLA_PYTHON_CLIENT_PREALLOCATE=false
if [ -z "${CUDA_HOME:-}" ] && [ -d /usr/local/cuda/nvvm ]; then export CUDA_HOME=/usr/local/cuda; fi
# The packages lie in folders of other names: where netc is not installed, a copy as pip lays it out.
cd "$work" || exit 1
if ! "$python" -c 'import netc' 2>/dev/null; then
    mkdir source
    (cd "$root" && tar cf - --exclude=./.git --exclude=./.venv --exclude=./build .) | tar xf - -C source
    "$python" -m pip install -q --no-index --no-deps --no-build-isolation --target site ./source
    export PYTHONPATH=$PYTHONPATH:$work/site
fi
cd "$root" || exit 1

has() { [[ $pieces == *" $1 "* ]]; }
piece() { # NAME COMMAND...: not longer than EACH seconds
    local name=$1 began=$SECONDS status
    shift
    timeout --kill-after=5 "$each" "$@" 2>&1 | sed -u "s/^/[$name] /" | tee -a "$out/log"
    status=${PIPESTATUS[0]}
    echo "{\"piece\": \"$name\", \"status\": $status, \"seconds\": $((SECONDS - began))}" >>"$out/found.jsonl"
    echo "[$name] status $status after $((SECONDS - began)) s" | tee -a "$out/log"
}
compared() { piece agreement "$python" -m bench.cuda --agreement --rows "$out/found.jsonl" "$@"; }

if has machine; then
    if command -v nvidia-smi >/dev/null; then piece nvidia-smi nvidia-smi; fi
    piece machine "$python" -m gpu_report machine "$out"
fi
if has tests; then
    # Warnings are no errors and plugins are not loaded: the machine has versions of its own. One file: its tests are spread.
    PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 piece tests "$python" -m pytest -p xdist.plugin -p no:cacheprovider --dist load \
        -n "${WORKERS:-$(nproc)}" -W default -rfE --tb=short --durations=5 tests/test_cuda_gpu.py &
fi
if [ "$simulated" != 0 ]; then
    if has agreement; then compared --device cpu & fi
    echo "skipped, for they need a GPU: sanitizer, bench, windows" | tee -a "$out/log"
    wait
else
    if has sanitizer && command -v compute-sanitizer >/dev/null; then
        for tool in ${TOOLS:-memcheck racecheck synccheck initcheck}; do
            piece "$tool" compute-sanitizer --tool "$tool" --error-exitcode 9 --print-limit 9 --report-api-errors no \
                "$python" -m cuda_small &
        done
    fi
    if has agreement; then compared & fi
    if has bench; then
        # Each row compiles in a process of its own, all at once; they are measured one after the other, when nothing else
        # is under way.
        mkdir "$work/together"
        for row in "${rows[@]}"; do
            each=$limit piece bench "$python" -m bench.cuda --only "$row" --repetitions 3 --together "$work/together" \
                --rows "$out/found.jsonl" &
        done
        while (($(jobs -rp | wc -l) > $(ls "$work/together" | wc -l) && SECONDS < each)); do sleep 0.2; done
        touch "$work/together/go"
    fi
    wait
    if has windows; then piece windows "$python" -m bench.cuda_windows --repetitions 3; fi
fi
"$python" -m gpu_report tables "$out"
