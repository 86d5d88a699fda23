"""A training step of MSAM as CLIP4Clip's code and its heirs write one, from their statements.

Towers are CLIP's own modules: attention by `nn.MultiheadAttention` over L x N x C, QuickGELU and
its three operations, all words up to ``max_words``, every token through the last block, the last
norm and the projection. Pooling makes texts x videos x width. The optimiser updates one parameter
after the other, clipping each, and the step clips them together before.
"""

import torch
from torch import nn
from torch.nn import functional

from tests.oracles.authors_loops import masked_mean, over_frames, unit
from tests.oracles.direct_fusion_pooling import direct_fusion_similarity


class QuickGELU(nn.Module):
    """As CLIP has it."""

    def forward(self, values):
        """Three operations."""
        return values * torch.sigmoid(1.702 * values)


class Block(nn.Module):
    """CLIP's residual attention block."""

    def __init__(self, width, heads) -> None:
        """Build it under CLIP's names."""
        super().__init__()
        self.attn = nn.MultiheadAttention(width, heads)
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = nn.Sequential()
        self.mlp.add_module("c_fc", nn.Linear(width, 4 * width))
        self.mlp.add_module("gelu", QuickGELU())
        self.mlp.add_module("c_proj", nn.Linear(4 * width, width))

    def forward(self, hidden, mask):
        """L x N x C."""
        normed = self.ln_1(hidden)
        attended = self.attn(normed, normed, normed, need_weights=False, attn_mask=mask)[0]
        hidden = hidden + attended
        return hidden + self.mlp(self.ln_2(hidden))


class Tower(nn.Module):
    """A stack of blocks under CLIP's names."""

    def __init__(self, width, heads, layers) -> None:
        """Build it."""
        super().__init__()
        self.resblocks = nn.ModuleList([Block(width, heads) for _ in range(layers)])

    def forward(self, hidden, mask=None):
        """N x L x C in and out."""
        hidden = hidden.permute(1, 0, 2)
        for block in self.resblocks:
            hidden = block(hidden, mask)
        return hidden.permute(1, 0, 2)


class AuthorsStep:
    """A whole step over the weights of one of our models, from which it copies its towers.

    Args:
        model: MSAM with a QuickGELU CLIP; its temporal encoder, gate and branch are used as they
            are.
        trained: Names of its trained parameters.
        rates: For each of them, its learning rate and weight decay.
    """

    def __init__(self, model, trained, rates) -> None:
        """Copy the towers; what the model freezes is frozen in the copy."""
        self.model = model
        clip = model.encoder.clip
        self.clip = nn.Module()
        self.clip.visual = nn.Module()
        for copy, source in ((self.clip.visual, clip.visual), (self.clip, clip)):
            for name, parameter in source.named_parameters(recurse=False):
                copy.register_parameter(name, nn.Parameter(parameter.detach().clone()))
            blocks = source.transformer.resblocks
            heads = blocks[0].attn.num_heads
            copy.transformer = Tower(source.transformer.width, heads, len(blocks))
        visual, width = clip.visual, clip.visual.conv1.out_channels
        self.clip.visual.conv1 = nn.Conv2d(
            3, width, visual.conv1.kernel_size, visual.conv1.stride, bias=False
        )
        self.clip.visual.ln_pre, self.clip.visual.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.clip.token_embedding = nn.Embedding(*clip.token_embedding.weight.shape)
        self.clip.ln_final = nn.LayerNorm(clip.transformer.width)
        self.clip.load_state_dict(clip.state_dict())
        own = dict(model.named_parameters())
        copied = {f"encoder.clip.{name}": value for name, value in self.clip.named_parameters()}
        self.parameters = {**own, **copied}
        for name, parameter in self.parameters.items():
            parameter.requires_grad_(name in trained)
        self.settings = [(self.parameters[name], *rates[name]) for name in trained]
        self.state = {}

    def loss(self, tokens, pixels, frame_mask):
        """The loss of B captions (B x L) and their clips (normalised, B x F x 3 x S x S)."""
        texts, words = self._encode_text(tokens)
        frames = self._encode_image(pixels.flatten(0, 1)).view(*frame_mask.shape, -1)
        temporal = unit(over_frames(self.model.temporal, frames, frame_mask))
        texts = unit(texts)
        gate = self.model.gate
        mlp = nn.Sequential(gate.fc1, nn.ReLU(), gate.fc2)
        similarity = direct_fusion_similarity(texts, temporal, frame_mask, mlp, len(texts))
        logits = self.clip.logit_scale.exp() * similarity
        right = torch.arange(len(logits))
        contrastive = functional.cross_entropy(logits, right)
        contrastive = (contrastive + functional.cross_entropy(logits.T, right)) / 2
        return contrastive + self._semantics(temporal, frames, frame_mask, texts, words)

    def step(self, tokens, pixels, frame_mask):
        """Do one step; the loss before it."""
        loss = self.loss(tokens, pixels, frame_mask)
        loss.backward()
        nn.utils.clip_grad_norm_([parameter for parameter, _, _ in self.settings], 1.0)
        for parameter, rate, decay in self.settings:
            self._update(parameter, rate, decay)
            parameter.grad = None
        with torch.no_grad():
            self.clip.logit_scale.clamp_(max=4.6052)
        return loss.item()

    def _encode_image(self, pixels):
        visual = self.clip.visual
        patches = visual.conv1(pixels).flatten(2).permute(0, 2, 1)
        first = visual.class_embedding + torch.zeros(len(pixels), 1, patches.shape[-1])
        hidden = torch.cat([first, patches], dim=1) + visual.positional_embedding
        hidden = visual.transformer(visual.ln_pre(hidden))
        return (visual.ln_post(hidden) @ visual.proj)[:, 0]

    def _encode_text(self, tokens):
        length = tokens.shape[1]
        hidden = self.clip.token_embedding(tokens) + self.clip.positional_embedding[:length]
        causal = torch.full((length, length), -torch.inf).triu_(1)
        hidden = self.clip.transformer(hidden, causal)
        words = self.clip.ln_final(hidden) @ self.clip.text_projection
        return words[torch.arange(len(tokens)), tokens.argmax(dim=-1)], words

    def _semantics(self, temporal, frames, frame_mask, texts, words):
        branch = self.model.branch
        pooled = unit(masked_mean(temporal, frame_mask))
        videos = branch.of_videos(pooled, unit(frames), frame_mask)
        captions = branch.of_texts(texts, unit(words), torch.ones(words.shape[:2]).bool())
        ratio = videos.spread / captions.spread
        shift = (captions.mean - videos.mean) / captions.spread
        divergence = 0.5 * (ratio**2 + shift**2 - 1 - 2 * ratio.log()).sum(dim=(1, 2)).mean()
        likeness = 0.0
        for side in (videos, captions):
            slots = unit(side.mean / side.spread)
            cosine = slots @ slots.transpose(1, 2)
            likeness = likeness + (cosine - torch.eye(cosine.shape[1])).abs().mean()
        return divergence + 0.01 * likeness / 2

    @torch.no_grad()
    def _update(self, parameter, rate, decay):
        """BertAdam, one parameter."""
        gradient = parameter.grad
        if parameter not in self.state:
            self.state[parameter] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        mean, square = self.state[parameter]
        nn.utils.clip_grad_norm_(parameter, 1.0)
        mean.mul_(0.9).add_(gradient, alpha=1 - 0.9)
        square.mul_(0.98).addcmul_(gradient, gradient, value=1 - 0.98)
        update = mean / (square.sqrt() + 1e-6)
        if decay > 0:
            update += decay * parameter
        parameter.add_(-(rate * update))
