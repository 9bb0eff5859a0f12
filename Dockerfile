# Ideal Cat in a container: docker build -t ideal-cat . && docker run -p 8501:8501 ideal-cat
# With a GPU: docker build --build-arg REQUIREMENTS=requirements-gpu.txt -t ideal-cat . && docker run --gpus all -p 8501:8501 ideal-cat
FROM python:3.12-slim

ARG REQUIREMENTS=requirements.txt
# What is fetched while building, so that it works without a network afterwards; add --pets for 811 MB of photos.
ARG KIT="MobileNetV2 MobileNet_0.75"

RUN useradd --create-home --uid 1000 user
USER user
ENV HOME=/home/user \
    KERAS_HOME=/home/user/.keras \
    PATH=/home/user/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TF_CPP_MIN_LOG_LEVEL=2 \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0
WORKDIR /home/user/app

COPY --chown=user requirements.txt requirements-gpu.txt requirements-cluster.txt requirements-postgres.txt requirements-maps.txt constraints.txt ./
RUN python -m venv /home/user/venv && pip install --no-cache-dir -r "$REQUIREMENTS" -c constraints.txt
COPY --chown=user . .
RUN python -m engine.storage.offline fetch --if-possible $KIT

EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD python -c "import urllib.request as r; r.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"

# A Space shows the app inside another site's frame, where the XSRF cookie does not arrive.
CMD ["sh", "-c", "[ -z \"$SPACE_ID\" ] || export STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION=false; exec streamlit run streamlit_app.py"]
