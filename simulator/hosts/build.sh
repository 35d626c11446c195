# Run in a machine of its own when the image is made: the example's dependencies, as a sync on a rented machine would
# lay them out. Values: NAME, the repository's name.
export UV_PROJECT_ENVIRONMENT=/workspace/venvs/$NAME UV_CACHE_DIR=/tmp/cache UV_PYTHON_DOWNLOADS=never
uv sync --quiet --project /tmp/code --frozen --compile-bytecode --link-mode copy
ln -s "$NAME" /workspace/venvs/cot-oracle
