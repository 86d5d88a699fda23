# docker build -t dvtr-bench .
# With CUDA: docker build --build-arg TORCH_BACKEND=cu128 -t dvtr-bench:gpu .
FROM python:3.12-slim AS built

# uv knows which builds of PyTorch there are: cpu, cu128 and so on.
ARG TORCH_BACKEND=cpu
RUN pip install --no-cache-dir "uv==0.*" && python -m venv /opt/dvtr
COPY . /source
RUN uv pip install --no-cache --python /opt/dvtr/bin/python --torch-backend "${TORCH_BACKEND}" /source

FROM python:3.12-slim
COPY --from=built /opt/dvtr /opt/dvtr
# Any user may run it (--user): what is kept between runs is in the mounted folder.
ENV PATH=/opt/dvtr/bin:$PATH \
    XDG_CACHE_HOME=/data/.cache \
    HF_HOME=/data/.cache/huggingface \
    NUMBA_CACHE_DIR=/tmp/numba
RUN useradd --create-home dvtr && mkdir /data && chown dvtr /data
USER dvtr
WORKDIR /data
ENTRYPOINT ["dvtr-bench"]
CMD ["--help"]
